# SPDX-License-Identifier: Apache-2.0
# Completion of postoak(1) for bash; goes to /usr/share/bash-completion/completions/postoak

_postoak_accounts()
{
	# tokend knows them; it answers administrators only, else silence.
	"$1" "${@:2}" status --json 2>/dev/null |
	    sed -n 's/^ *"account": *"\([^"\\]*\)".*/\1/p'
}

_postoak_verbs()
{
	# As the tool itself lists them.
	"$1" help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'
}

_postoak()
{
	local word=${COMP_WORDS[COMP_CWORD]} verb= words= i
	local -a config=()

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -c ]]; then
			config=(-c "${COMP_WORDS[++i]}")
		elif [[ ${COMP_WORDS[i]} != -* ]]; then
			verb=${COMP_WORDS[i]}
			break
		fi
	done
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -c && -z $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	fi
	case $verb in
	'') words="$(_postoak_verbs "$1") -c -V" ;;
	setup)
		words="--from --yes --no-check $(_postoak_accounts "$1" "${config[@]}") $(compgen -f -- "$word")" ;;
	login)
		words="--browser --device --import --json $(_postoak_accounts "$1" "${config[@]}")" ;;
	status)
		words="--json --watch $(_postoak_accounts "$1" "${config[@]}")" ;;
	limits)
		words="--json --reset $(_postoak_accounts "$1" "${config[@]}")" ;;
	token | refresh | logout)
		words="--json $(_postoak_accounts "$1" "${config[@]}")" ;;
	check)
		words="--json --area --send --config-directory $(_postoak_accounts "$1" "${config[@]}")" ;;
	export | restore)
		words="--json $(_postoak_accounts "$1" "${config[@]}") $(compgen -f -- "$word")" ;;
	import)
		words="--apply --queue-directory $(compgen -f -- "$word")" ;;
	explain) words=--json ;;
	watch) words=$(compgen -f -- "$word") ;;
	release) words="postfix sendmail --dry-run" ;;
	mta)
		words="postfix sendmail --apply --undo --yes --commands --relay --chroot --config-directory
		    --queue-directory" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _postoak postoak
