# Completion of `cargo-lifecycle` and `cargo lifecycle` for bash, from `cargo lifecycle --completions bash`.

_cargo_lifecycle() {
    local candidate rest
    COMPREPLY=()
    while IFS=$'\t' read -r candidate rest; do
        COMPREPLY+=("$candidate")
    done < <(cargo-lifecycle --candidates "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}

# What is left to cargo's own completion, if it was loaded before.
_cargo_lifecycle_of_cargo=$(complete -p cargo 2>/dev/null | sed -n 's/.* -F \([^ ]*\) .*/\1/p')
[[ $_cargo_lifecycle_of_cargo == _cargo_lifecycle* ]] && _cargo_lifecycle_of_cargo=_cargo

_cargo_lifecycle_behind_cargo() {
    local at
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
        [+-]*) ;;
        lifecycle)
            COMP_WORDS=("${COMP_WORDS[@]:at}")
            ((COMP_CWORD -= at))
            _cargo_lifecycle
            return
            ;;
        *) break ;;
        esac
    done
    COMPREPLY=()
    if declare -F "$_cargo_lifecycle_of_cargo" >/dev/null; then
        "$_cargo_lifecycle_of_cargo" "$@"
    fi
}

complete -o default -F _cargo_lifecycle cargo-lifecycle
complete -o default -F _cargo_lifecycle_behind_cargo cargo
