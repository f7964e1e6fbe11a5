# What the command-line tests share.  Sourced by test_*.sh, which CMake runs as
#     test_NAME.sh CNX TOOLS SOURCE [SANITIZED]
# CNX: the program.  TOOLS: where check_png and the others are.  SANITIZED: not empty when the program
# carries sanitizers, which need far more address space than they use.
# Each script runs in an empty folder of its own, $work, which it is also the program's working folder.
set -u
cnx=$1 tools=$2 source=$3 sanitized=${4:-}
here=$source/tests/cli
data=$source/tests/data/segmentation
nuclei=$source/tests/data/nuclei
shared=${CNX_SHARED:-$source/../shared}
[ -d "$shared/fixtures/seg" ] || shared=
# A sanitizer's finding must not look like an ordinary failure of the program.
export ASAN_OPTIONS="exitcode=99:${ASAN_OPTIONS:-}" UBSAN_OPTIONS="exitcode=99:${UBSAN_OPTIONS:-}"
export TSAN_OPTIONS="exitcode=99:${TSAN_OPTIONS:-}"
export LC_ALL=C
unset COLUMNS

work=$(mktemp -d)
trap 'cd /; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
out=$work/.stdout err=$work/.stderr
checks=0 failures=0 seconds=60 last=

fail() {
    failures=$((failures + 1))
    echo "FAIL: $*" >&2
    [ -z "$last" ] || echo "      after: cnx $last" >&2
}

pass() { checks=$((checks + 1)); }

# Runs cnx; code: the exit status.  No run may crash, hang, or trip a sanitizer.
run() {
    last="$*"
    timeout --foreground -s KILL "$seconds" "$cnx" "$@" >"$out" 2>"$err" </dev/null
    code=$?
    check_sound
}

# The same with this script's standard input.
run_stdin() {
    last="$* <&0"
    timeout --foreground -s KILL "$seconds" "$cnx" "$@" >"$out" 2>"$err"
    code=$?
    check_sound
}

check_sound() {
    case $code in
    0 | 1 | 2 | 3 | 130) pass ;;
    137) fail "no answer within $seconds seconds" ;;
    *) fail "exit status $code: $(tail -n 5 "$err")" ;;
    esac
    if grep -q 'Sanitizer\|runtime error:' "$err"; then
        fail "$(grep -m 3 'Sanitizer\|runtime error:' "$err")"
    fi
}

# expect CODE ARGUMENTS...: runs and compares the exit status.
expect() {
    local wanted=$1
    shift
    run "$@"
    if [ "$code" = "$wanted" ]; then pass; else
        fail "exit status $code, expected $wanted: $(head -c 600 "$err")"
    fi
}

# A refusal: not 0, and one clear message on standard error that says each of the words.
refused() {
    local word
    [ "$code" != 0 ] || fail "was accepted"
    grep -q '^cnx: error: ' "$err" || fail "no message"
    [ "$(grep -c '^cnx: error: ' "$err")" -le 1 ] || fail "more than one message: $(cat "$err")"
    for word in "$@"; do says "$word"; done
}

says() {
    if grep -qiF -- "$1" "$err"; then pass; else
        fail "standard error does not say '$1': $(head -c 600 "$err")"
    fi
}

prints() {
    if grep -qF -- "$1" "$out"; then pass; else
        fail "standard output does not say '$1': $(head -c 600 "$out")"
    fi
}

silent() {
    if [ -s "$out" ]; then fail "standard output is not empty: $(head -c 200 "$out")"; else pass; fi
}

# same NAME WANTED GOT
same() {
    if [ "$2" = "$3" ]; then pass; else fail "$1: got '$3', expected '$2'"; fi
}

# tool NAME ARGUMENTS...: one of the check programs must be content; its output is in $told.
tool() {
    if told=$("$tools/$1" "${@:2}" 2>&1); then pass; else fail "$* says: $told"; fi
}

identical() {
    if cmp -s "$1" "$2"; then pass; else fail "$1 and $2 differ"; fi
}

# folder DIR FILES...: these files stand in it and no others, hidden and temporary ones included.
folder() {
    local dir=$1
    shift
    same "the files of $dir" "$(printf '%s\n' "$@" | sort | xargs)" \
        "$({ ls -A "$dir" 2>/dev/null || true; } | sort | xargs)"
}

absent() {
    local path
    for path in "$@"; do
        if [ -e "$path" ]; then fail "$path was made"; else pass; fi
    done
}

skip() {
    echo "skipped: $*" >&2
    exit 77
}

finish() {
    absent PWNED /PWNED_ABS ../PWNED
    echo "$checks checks passed, $failures failed" >&2
    [ "$failures" -eq 0 ] && [ "$checks" -gt 1 ]
    exit
}
