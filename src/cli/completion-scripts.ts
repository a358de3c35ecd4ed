/**
 * What each shell evaluates to complete `mpreg`: it hands the words so far to the hidden command `complete` and offers
 * what comes back, one candidate per line, its description after a tab. The line `:files` stands for files.
 */
export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

export type Shell = (typeof SHELLS)[number];

/** `@{` is a shell's own `${`, which a template of JavaScript would take for itself. */
function script(text: string): string {
  return text.trim().replaceAll('@{', '${');
}

const bash = script(String.raw`
# mpreg completion for bash. Now: source <(mpreg completion bash). For good: put that into ~/.bashrc.
_mpreg() {
  local program=@{COMP_WORDS[0]/#\~/$HOME} value description
  COMPREPLY=()
  while IFS=$'\t' read -r value description; do
    if [[ $value == :files ]]; then
      compopt -o default 2>/dev/null
    else
      COMPREPLY+=("$(printf '%q' "$value")")
    fi
  done < <("$program" complete -- "@{COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _mpreg mpreg
`);

const zsh = script(String.raw`
#compdef mpreg
# mpreg completion for zsh. Now: source <(mpreg completion zsh). For good: save it as _mpreg in a folder of $fpath.
_mpreg() {
  local -a candidates
  local value description files=0
  while IFS=$'\t' read -r value description; do
    if [[ $value == ':files' ]]; then files=1; continue; fi
    candidates+=("@{value//:/\\:}@{description:+:$description}")
  done < <("@{words[1]}" complete -- "@{(@)words[2,CURRENT]}" 2>/dev/null)
  (( @{#candidates} )) && _describe -V mpreg candidates
  (( files )) && _files
}
if [ "@{funcstack[1]}" = _mpreg ]; then _mpreg "$@"; else compdef _mpreg mpreg; fi
`);

const fish = script(`
# mpreg completion for fish. Now: mpreg completion fish | source
# For good: mpreg completion fish > ~/.config/fish/completions/mpreg.fish
function __mpreg_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  for line in ($words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
    if test "$line" = ':files'
      __fish_complete_path "$current"
    else
      echo $line
    end
  end
end
complete -c mpreg -f -a '(__mpreg_complete)'
`);

const powershell = script(`
# mpreg completion for PowerShell. Now: mpreg completion powershell | Out-String | Invoke-Expression
# For good: put that into the file that $PROFILE names.
Register-ArgumentCompleter -Native -CommandName mpreg -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  $next = if ($wordToComplete -eq '') { @('--next') } else { @() }
  & mpreg complete @next '--' @words 2>$null | ForEach-Object {
    $value, $description = $_ -split [char]9, 2
    if ($value -ne ':files') {
      $tip = if ($description) { $description } else { $value }
      [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $tip)
    }
  }
}
`);

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash, fish, powershell, zsh };
