# Sourced by the scripts here: variables that are to be numbers are looked at before anything is made of them.
# need_numbers NAME... ends with 2 where a variable is set, and is no whole number from 0 on.
# A value is compared as text alone: in arithmetic bash would run what it has in brackets.
need_numbers() {
  local name
  for name in "$@"; do
    case ${!name-} in
      *[!0-9]* | ???????*)
        printf 'error: %s=%q is not a whole number below 1000000\n' "$name" "${!name}" >&2
        exit 2 ;;
    esac
  done
}
