# SPDX-License-Identifier: Apache-2.0
# Turn a tab-separated table into C initialisers, one row a line. A column that
# is a whole number stays a number; all others become strings. Lines that begin
# with "#" are comments.
BEGIN { FS = "\t" }
/^#/ || /^$/ { next }
{
	row = ""
	for (i = 1; i <= NF; i++) {
		value = $i
		if (value !~ /^[0-9]+$/) {
			gsub(/\\/, "\\\\", value)
			gsub(/"/, "\\\"", value)
			value = "\"" value "\""
		}
		row = row (i > 1 ? ", " : "") value
	}
	print "{" row "},"
}
