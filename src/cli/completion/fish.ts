import type { CompletedCommand, Completion } from "./words.ts";
import { completedCommands, completedGroups, completedWords } from "./words.ts";

/** A script for fish 3 and newer. */
export function fishScript(program: string): string {
  const groups = completedGroups();
  const commands = completedCommands();
  const summaries = new Map(commands.map(({ name, summary }) => [name, summary]));
  const complete = (at: string, rest: string) =>
    `complete -c ${program} -n '__supervisor_at "${at}"' ${rest}`;
  return [
    `# fish completion for ${program}; made by "${program} completion fish".`,
    "function __supervisor_at",
    "    set -l found",
    "    for word in (commandline -opc)[2..-1]",
    "        string match -q -- '-*' $word; and continue",
    "        set -a found $word",
    `        contains -- $found[1] ${groups.map(({ group }) => group).join(" ")}; and test (count $found) -lt 2; and continue`,
    "        break",
    "    end",
    `    test "$found" = $argv[1]`,
    "end",
    "function __supervisor_services",
    "    set -l words (commandline -opc)",
    "    command $words[1] completion names 2>/dev/null",
    "end",
    `complete -c ${program} -f`,
    ...completedWords().map(({ word, summary }) => complete("", `-a ${word} -d ${quoted(summary)}`)),
    ...groups.flatMap(({ group, verbs }) =>
      verbs.map((verb) =>
        complete(group, `-a ${verb} -d ${quoted(summaries.get(`${group} ${verb}`) ?? "")}`),
      ),
    ),
    ...commands.flatMap((command) => placesOf(command).map((rest) => complete(command.name, rest))),
    "",
  ].join("\n");
}

function placesOf({ options, takesFile, argument }: CompletedCommand): string[] {
  return [
    ...options.map(({ flags, summary, value }) => {
      const [long = "", short] = flags;
      const letter = short === undefined ? "" : ` -s ${short.slice(1)}`;
      const follows = value ? ` ${offer(value, "-x", "-r -F")}` : "";
      return `-l ${long.slice(2)}${letter} -d ${quoted(summary)}${follows}`;
    }),
    ...(takesFile ? [`-a '(__fish_complete_suffix .yaml)'`] : []),
    ...(argument.tag === "nothing" ? [] : [offer(argument, "", "-F")]),
  ];
}

function offer(completion: Completion, exclusive: string, files: string): string {
  switch (completion.tag) {
    case "words":
      return `${exclusive} -a ${quoted(completion.words.join(" "))}`.trim();
    case "files":
      return files;
    case "services":
      return `${exclusive} -a '(__supervisor_services)'`.trim();
    case "nothing":
      return exclusive;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
