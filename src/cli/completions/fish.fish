# Completion of `cargo-lifecycle` and `cargo lifecycle` for fish, from `cargo lifecycle --completions fish`.

function __cargo_lifecycle_candidates
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -e words[1]
    # Behind `cargo` and its options.
    while string match -qr '^[+-]' -- "$words[1]"; and contains -- lifecycle $words
        set -e words[1]
    end
    if test "$words[1]" = lifecycle
        set -e words[1]
    end
    cargo-lifecycle --candidates $words "$current" 2>/dev/null
end

function __cargo_lifecycle_is_meant
    set -l words (commandline -opc)
    for word in $words[2..-1]
        string match -qr '^[+-]' -- $word; and continue
        test $word = lifecycle
        return
    end
    false
end

complete -c cargo-lifecycle -f -n 'count (__cargo_lifecycle_candidates) >/dev/null' -a '(__cargo_lifecycle_candidates)'
complete -c cargo -f -n __cargo_lifecycle_is_meant -a '(__cargo_lifecycle_candidates)'
