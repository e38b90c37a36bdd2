/** Writes docs/cli.md from the definitions of the commands. Type: npm run cli-page */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { commands } from '../src/client/command-table.ts';
import { providerNames } from '../src/core/settings.ts';
import { providers } from '../src/providers/catalog.ts';
import { createProgram } from '../src/client/program.ts';
import { root, runScript } from './project.mjs';

const INTRODUCTION = `# Commands

<!-- Made by \`npm run cli-page\` from the definitions of the commands. Edit those, or scripts/make-cli-page.mjs. -->

In the folder of a built checkout (\`npm start\` or \`npm run build\`), the command is \`npx durabatch\`. To have \`durabatch\` in every folder, run \`npm link\` in the checkout once. To use it in a project of yours, run \`npm install FOLDER_OF_THE_CHECKOUT\` there; then \`npx durabatch\` and \`import … from 'durabatch'\` work in it.

Every command takes \`--json\` ([what it prints](json.md)), \`--help\` and \`--debug\`. An error is a sentence with what to do; \`--debug\` adds where in the code it occurred. \`NO_COLOR\` turns colours off. \`durabatch --version\` prints the version.

## What \`<id>\` can be

- the full id, which always wins
- the beginning of an id, if only one batch has it; if several do, they are listed and nothing is done
- \`@last\`: the batch created last on this machine, or in the folder given by \`--output-dir\`
- the path of the batch's folder

\`--reuse\` takes all of these except a path.

## Exit codes

Of \`run\`, \`resume\`, \`retry\`, \`watch\`, and of \`add\` when it starts a run:

| code | meaning |
|--:|---|
| 0 | all prompts succeeded |
| 1 | unexpected error |
| 2 | wrong usage or input |
| 3 | finished with failed prompts |
| 4 | cancelled |
| 5 | paused |
| 130 | interrupted |

With several batches, \`watch\` exits with the worst of their codes, in the order 130, 1, 5, 4, 3, 0. The other commands exit with 0 when they have done their work; \`audit\` exits with 1 if anything differs, and \`doctor\` if anything is wrong.
`;

/** What is to be said of a command besides its definition. */
const NOTES = {
  run: `Typed again, it follows the batch if it is running, continues it if it crashed or was stopped or cancelled, or prints where the results are if it has finished. A paused batch stays paused until \`resume\`. A batch is identified by its prompts and request settings: the same ones are the same batch, whatever the file is called. \`--new\` makes another one.

\`--base-url\` works with every provider but \`simulated\`. \`--thinking\` is for models of \`deepseek\` and \`openai\`; for other providers, use \`extra_body\` ([input](input.md)). The older Python script called some of these flags \`InputFile\` (\`<file>\`), \`MaxWorkers\`, \`Temperature\`, \`TopP\`, \`MaxTokens\` and \`OutputDir\`.

More: [input](input.md), [money](money.md), [rate limits](rate-limits.md), [recovery](recovery.md).`,
  estimate:
    'It sends nothing. The other flags of `run` are taken too and change nothing, so any command line of `run` is one of `estimate`.',
  resume: 'It continues a batch, whatever stopped it, and lifts a pause.',
  retry: 'It runs only the failed prompts again; the reports are merged.',
  pause: 'The batch stays paused until `resume`, also if `run` is typed again.',
  set: 'The change takes effect at once, or if no worker is on the batch, when the next one starts.',
  add: 'The file has the same formats as for `run` ([input](input.md)). `--detach` leaves a run that is started to a `worker`.',
  status: 'It works even when no worker and no server is running.',
  list: 'The newest batch comes first. Without `--output-dir`, the list has the batches of this machine and those that only the server knows.',
  watch:
    'Without ids, it follows all open batches. It also works from a machine that has only `TEMPORAL_ADDRESS`.',
  tail: 'When interrupted, it prints a `--cursor` with which the next `tail` continues, with nothing lost or repeated.',
  cancel: 'It reports the answers that came back. Prompts in progress get a minute; with `--now`, none.',
  report: 'While the batch runs, the reports are marked partial.',
  audit:
    'It computes everything again from the ledger, and compares it with the report and with Temporal, record by record.',
  worker: `It works on all open batches of a folder, for \`run --detach\`, and for several machines or containers that share the folder ([deployment](deployment.md)). With \`TEMPORAL_ADDRESS\` set, it needs no home folder that it can write to. It uses a key only at the provider's own address, for batches that its user has started, and where \`--allow-base-url\` allows it ([security](security.md)).`,
  doctor:
    'It checks Node, the build, Temporal, the key (never shown), the provider, the clock, the prices, the folders and the terminal, and says what to do. It asks the provider for its list of models, which costs nothing.',
  completion: 'The script lets a shell complete commands, flags, files and batch ids.',
};

const DEFAULT = ' (default: ';

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');

function flagRow({ flags, description }) {
  const at = description.lastIndexOf(DEFAULT);
  const [text, value] =
    at < 0 ? [description, ''] : [description.slice(0, at), description.slice(at + DEFAULT.length, -1)];
  return `| \`${flags.replaceAll('|', '\\|')}\` | ${cell(text)} | ${cell(value)} |`;
}

function flagTables(command) {
  const groups = new Map();
  for (const option of command.options) {
    if (option.hidden) continue;
    const heading = option.helpGroupHeading ?? '';
    groups.set(heading, [...(groups.get(heading) ?? []), option]);
  }
  return [...groups].flatMap(([heading, options]) => [
    ...(heading === '' ? [] : [`**${heading.replace(/:$/, '')}**`, '']),
    '| flag | meaning | default |',
    '|---|---|---|',
    ...options.map(flagRow),
    '',
  ]);
}

const termOf = (command) =>
  [
    command.name(),
    ...command.registeredArguments.map((argument) => {
      const name = `${argument.name()}${argument.variadic ? '…' : ''}`;
      return argument.required ? `<${name}>` : `[${name}]`;
    }),
  ].join(' ');

const anchorOf = (command) =>
  termOf(command)
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');

const orNone = (text) => (text === null ? 'none' : `\`${text}\``);

/** What \`run\` takes where the flags leave it out. */
const providerTable = () => [
  '| provider | default address | default model | key |',
  '|---|---|---|---|',
  ...providerNames.map((name) => {
    const { baseUrl, defaultModel, apiKeyEnv } = providers[name];
    return `| \`${name}\` | ${orNone(baseUrl)} | ${orNone(defaultModel)} | ${orNone(apiKeyEnv)} |`;
  }),
  '',
];

function section(command) {
  const { examples, exitCodes } = commands.find(({ usage }) => usage.split(' ', 1)[0] === command.name());
  const note = NOTES[command.name()];
  const description = command.description();
  return [
    `## \`${termOf(command)}\``,
    '',
    `${description[0].toUpperCase()}${description.slice(1)}.`,
    '',
    ...(note === undefined ? [] : [note, '']),
    ...(command.name() === 'run' ? providerTable() : []),
    ...flagTables(command),
    ...['```sh', ...examples, '```', ''],
    ...(exitCodes === undefined ? [] : [`Exit codes: ${exitCodes.replaceAll('\n', ' ')}.`, '']),
  ].join('\n');
}

/** Returns the text of docs/cli.md. */
export function toCliPage(program = createProgram()) {
  const sorted = program
    .configureHelp()
    .visibleCommands(program)
    .filter((command) => command.name() !== 'help');
  return [
    INTRODUCTION,
    '## All commands',
    '',
    '| command | what it does |',
    '|---|---|',
    ...sorted.map(
      (command) =>
        `| [\`${termOf(command).replaceAll('|', '\\|')}\`](#${anchorOf(command)}) | ${cell(command.description())} |`,
    ),
    '',
    ...sorted.map(section),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await runScript(() => writeFile(join(root, 'docs', 'cli.md'), toCliPage()));
