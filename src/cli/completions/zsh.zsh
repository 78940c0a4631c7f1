#compdef cargo-lifecycle
# Completion of `cargo-lifecycle` and `cargo lifecycle` for zsh, from `cargo lifecycle --completions zsh`. Cargo's own
# completion calls it for `cargo lifecycle`.

_cargo-lifecycle() {
    local line value about
    local -a candidates
    for line in "${(@f)$(cargo-lifecycle --candidates "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        value=${line%%$'\t'*} about=${line#*$'\t'}
        candidates+=("${value//:/\\:}${about:+:$about}")
    done
    if (( $#candidates )); then
        _describe 'cargo lifecycle' candidates
    else
        _files
    fi
}

if [[ $funcstack[1] == _cargo-lifecycle ]]; then
    _cargo-lifecycle "$@"
else
    compdef _cargo-lifecycle cargo-lifecycle
fi
