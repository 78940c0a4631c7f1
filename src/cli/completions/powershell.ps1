# Completion of `cargo-lifecycle` for PowerShell, from `cargo lifecycle --completions powershell`.

Register-ArgumentCompleter -Native -CommandName 'cargo-lifecycle' -ScriptBlock {
    param($current, $line, $cursor)
    $before = @($line.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.Extent.Text })
    # An empty argument gets lost on the way to a program; two quotes do not.
    $last = if ($current) { $current } else { '""' }
    cargo-lifecycle --candidates @before $last 2>$null | ForEach-Object {
        $value, $about = $_ -split "`t", 2
        if (-not $about) { $about = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $about)
    }
}
