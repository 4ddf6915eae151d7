# SPDX-License-Identifier: Apache-2.0
# Completion of postoak(1) for bash; goes to /usr/share/bash-completion/completions/postoak

# What is offered comes from files' and accounts' names: it never goes through
# "compgen -W", which would expand, and run, what stands in them.
_postoak_offer()
{
	local candidate

	while IFS= read -r candidate; do
		[[ $candidate == "$word"* ]] || continue
		printf -v candidate %q "$candidate"
		COMPREPLY+=("${candidate#"$begun"}")
	done
}

# tokend knows them; it answers administrators only, else silence.
_postoak_accounts()
{
	_postoak_offer < <("$tool" "${config[@]}" status --json 2>/dev/null |
	    sed -n 's/^ *"account": *"\([^"\\]*\)".*/\1/p')
}

_postoak_files()
{
	local -a files

	# Readline quotes what it knows to be a file.
	mapfile -t files < <(compgen -f -- "$word")
	COMPREPLY+=("${files[@]#"$begun"}")
	compopt -o filenames 2>/dev/null
}

_postoak_words()
{
	_postoak_offer < <(printf '%s\n' "$@")
}

_postoak()
{
	local tool=$1 word=${COMP_WORDS[COMP_CWORD]} begun='' verb='' i
	local -a config=()

	COMPREPLY=()
	# "@" and ":" part words: the whole one counts. What Readline is about to
	# replace ($2) may be its end only.
	for ((i = COMP_CWORD; i > 1; i--)); do
		[[ $COMP_LINE == *"${COMP_WORDS[i - 1]}$word"* ]] || break
		[[ ${COMP_WORDS[i]} == [@:]* || ${COMP_WORDS[i - 1]} == *[@:] ]] || break
		word=${COMP_WORDS[i - 1]}$word
	done
	begun=${word%"${2-$word}"}
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -c ]]; then
			config=(-c "${COMP_WORDS[++i]}")
		elif [[ ${COMP_WORDS[i]} != -* ]]; then
			verb=${COMP_WORDS[i]}
			break
		fi
	done
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -c && -z $verb ]]; then
		_postoak_files
		return
	fi
	case $verb in
	'')
		# As the tool itself lists them.
		_postoak_offer < <("$tool" help 2>/dev/null |
		    sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')
		_postoak_words -c -V ;;
	setup)
		_postoak_words --from --yes --no-check
		_postoak_accounts
		_postoak_files ;;
	login)
		_postoak_words --browser --device --import --json
		_postoak_accounts ;;
	status)
		_postoak_words --json --watch
		_postoak_accounts ;;
	limits)
		_postoak_words --json --reset
		_postoak_accounts ;;
	token | refresh | logout)
		_postoak_words --json
		_postoak_accounts ;;
	check)
		_postoak_words --json --area --send --config-directory
		_postoak_accounts ;;
	export | restore)
		_postoak_words --json
		_postoak_accounts
		_postoak_files ;;
	import)
		_postoak_words --apply --queue-directory
		_postoak_files ;;
	explain)
		_postoak_words --json ;;
	watch)
		_postoak_files ;;
	release)
		_postoak_words postfix sendmail --dry-run ;;
	mta)
		_postoak_words postfix sendmail --apply --undo --yes --commands \
		    --relay --chroot --config-directory --queue-directory ;;
	esac
}

complete -F _postoak postoak
