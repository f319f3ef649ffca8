import type { Completion } from "./words.ts";
import { completedCommands, completedGroups, completedWords } from "./words.ts";

/** A script for bash 4 and newer; needs no package of completions. */
export function bashScript(program: string): string {
  const commands = completedCommands();
  const groups = completedGroups();
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap(({ flags, value }) =>
      value ? [`    ${flags.map((flag) => `"${name}:${flag}"`).join("|")}) ${offer(value)}; return ;;`] : [],
    ),
  );
  const places = commands.map(({ name, options, takesFile, argument }) => {
    const flags = options.flatMap((option) => option.flags).join(" ");
    const others = [...(takesFile ? ["_supervisor_yaml"] : []), offer(argument)].join("; ");
    return `    "${name}") if [[ $cur == -* ]]; then _supervisor_words "${flags}"; else ${others}; fi ;;`;
  });
  return `# bash completion for ${program}; made by "${program} completion bash".
_supervisor_words() { COMPREPLY+=($(compgen -W "$1" -- "$cur")); }
_supervisor_paths() {
  local path IFS=
  compopt -o filenames 2>/dev/null
  while read -r path; do COMPREPLY+=("$path"); done < <(compgen "$@" -- "$(_supervisor_typed)")
}
_supervisor_typed() { local typed=\${cur#[\\'\\"]}; printf %s "\${typed//\\\\/}"; }
_supervisor_files() { _supervisor_paths -f; }
_supervisor_yaml() { _supervisor_paths -f -X '!*.y?(a)ml'; _supervisor_paths -d; }
_supervisor_services() { _supervisor_words "$("\${COMP_WORDS[0]}" completion names 2>/dev/null)"; }

_supervisor() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command= word i
  local IFS=$' \\t\\n'
  COMPREPLY=()
  if [[ $cur == = ]]; then cur=
  elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $command in
      "") [[ $word == -* ]] || command=$word ;;
      ${groups.map(({ group }) => group).join("|")}) command="$command $word"; break ;;
      *) break ;;
    esac
  done
  case "$command:$prev" in
${values.join("\n")}
  esac
  case $command in
    "") _supervisor_words "${completedWords()
      .map(({ word }) => word)
      .join(" ")} --help --version" ;;
${groups.map(({ group, verbs }) => `    ${group}) _supervisor_words "${verbs.join(" ")} --help" ;;`).join("\n")}
${places.join("\n")}
  esac
}
shopt -q extglob || shopt -s extglob
complete -F _supervisor ${program}
`;
}

function offer(completion: Completion): string {
  switch (completion.tag) {
    case "words":
      return `_supervisor_words "${completion.words.join(" ")}"`;
    case "files":
      return "_supervisor_files";
    case "services":
      return "_supervisor_services";
    case "nothing":
      return ":";
  }
}
