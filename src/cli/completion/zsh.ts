import type { CompletedCommand, Completion } from "./words.ts";
import { completedCommands, completedGroups, completedWords } from "./words.ts";

/** A function for zsh: to be sourced after compinit, or to be put into a folder of $fpath as `_PROGRAM`. */
export function zshScript(program: string): string {
  const groups = completedGroups();
  const commands = completedCommands();
  const summaries = new Map(commands.map(({ name, summary }) => [name, summary]));
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap(({ flags, value }) =>
      value ? [`    ${flags.map((flag) => `"${name}:${flag}"`).join("|")}) ${offer(value)}; return ;;`] : [],
    ),
  );
  const words = completedWords().map(({ word, summary }) => described(word, summary));
  const second = groups.map(({ group, verbs }) => {
    const list = verbs.map((verb) => described(verb, summaries.get(`${group} ${verb}`) ?? ""));
    return `    ${group}) candidates=(${list.join(" ")}); _describe command candidates ;;`;
  });
  return `#compdef ${program}
# zsh completion for ${program}; made by "${program} completion zsh".
_supervisor() {
  local command= word
  local -a candidates
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $command in
      "") [[ $word == -* ]] || command=$word ;;
      ${groups.map(({ group }) => group).join("|")}) command="$command $word"; break ;;
      *) break ;;
    esac
  done
  case "$command:\${words[CURRENT-1]}" in
${values.join("\n")}
  esac
  case $command in
    "") candidates=(${words.join(" ")}); _describe command candidates ;;
${second.join("\n")}
${commands.map(place).join("\n")}
  esac
}
if [[ \${funcstack[1]} == _supervisor || \${funcstack[1]} == _${program} ]]; then
  _supervisor "$@"
else
  compdef _supervisor ${program}
fi
`;
}

function place({ name, options, takesFile, argument }: CompletedCommand): string {
  const list = options.flatMap(({ flags, summary }) => flags.map((flag) => described(flag, summary)));
  const yaml = takesFile ? `_files -g "*.(yaml|yml)"; ` : "";
  return `    "${name}")
      if [[ \${words[CURRENT]} == -* ]]; then candidates=(${list.join(" ")}); _describe option candidates
      else ${yaml}${offer(argument)}; fi ;;`;
}

function offer(completion: Completion): string {
  switch (completion.tag) {
    case "words":
      return `compadd -- ${completion.words.join(" ")}`;
    case "files":
      return "_files";
    case "services":
      return `compadd -- \${(f)"$("\${words[1]}" completion names 2>/dev/null)"}`;
    case "nothing":
      return ":";
  }
}

/** A colon ends the word, so those within are escaped; quotes as the shell wants them. */
function described(word: string, summary: string): string {
  return `'${word.replaceAll(":", "\\:")}:${summary.replaceAll("'", "'\\''")}'`;
}
