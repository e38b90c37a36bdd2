/** What shells are told, once, to ask durabatch at every Tab. */

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** First argument of the call by which a shell asks: `durabatch __complete bash -- run --prov`. */
export const ASK = '__complete';

/** Bash takes words apart at `=` and `@`, and replaces only what is behind it. It needs no package for completion, and is told again without harm. */
const bash = `# durabatch completion for bash; to have it always: echo 'eval "$(durabatch completion bash)"' >> ~/.bashrc
_durabatch() {
  local current=\${COMP_WORDS[COMP_CWORD]} line last=:none
  [[ $current == [=@] ]] && current=
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*) last=$line ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${COMP_WORDS[0]}" ${ASK} bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  local kind=
  case $last in
    :files) kind=-f ;;
    :folders) kind=-d ;;
    *) return ;;
  esac
  compopt -o filenames 2>/dev/null || :
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen $kind -- "$current")
}
complete -F _durabatch durabatch
`;

const zsh = `#compdef durabatch
# durabatch completion for zsh; to have it always, behind compinit: echo 'eval "$(durabatch completion zsh)"' >> ~/.zshrc
_durabatch() {
  local -a lines offers
  local line last
  lines=("\${(@f)$("\${(@Q)words[1]}" ${ASK} zsh -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  last=$lines[-1]
  for line in "\${(@)lines[1,-2]}"; do
    offers+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  case $last in
    :files) _files ;;
    :folders) _files -/ ;;
    *) (( $#offers )) && _describe -V durabatch offers ;;
  esac
}
if [[ $funcstack[1] == _durabatch ]]; then _durabatch "$@"; else compdef _durabatch durabatch; fi
`;

const fish = `# durabatch completion for fish; to have it always: durabatch completion fish > ~/.config/fish/completions/durabatch.fish
function __durabatch_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] ${ASK} fish -- $words[2..-1] "$current" 2>/dev/null)
    switch "$lines[-1]"
        case :files
            __fish_complete_path "$current"
        case :folders
            __fish_complete_directories "$current" ''
        case '*'
            test (count $lines) -gt 1; and printf '%s\\n' $lines[1..-2]
    end
end
complete -c durabatch -f -k -a '(__durabatch_complete)'
`;

export const completionScripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
