/**
 * Writes docs/images/live-view.svg: what a terminal shows during a real run against the tests' stand-in for a provider,
 * from the id of the batch on.
 * Needs `script` (util-linux) for the terminal. Type: npm run live-view
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reply, startFakeProvider } from '../test/support/fake-provider.ts';
import { startTestServer } from '../test/support/temporal-server.ts';
import { buildIfStale } from './build.mjs';
import { root, runScript } from './project.mjs';

const COLUMNS = 98;
const PORT = 8000;
const PROMPTS = 1000;
/** The picture is taken when this share of the prompts is done. */
const PERCENT_SHOWN = 62;
const COMMAND = [
  `npx durabatch run prompts.json --base-url http://127.0.0.1:${PORT}/v1`,
  '--completions 4 --max-workers 50 --max-cost 5',
];

const ESC = '\u001b';
/** The display moves the cursor up and erases below; it uses no other movements. */
const MOVES = new RegExp(
  `${ESC}\\[(\\d+)A|${ESC}\\[J|${ESC}\\[\\?25[lh]|\\r|\\n|[^\\r\\n${ESC}]+|${ESC}\\[[\\d;]*m`,
  'g',
);
const STYLES = new RegExp(`${ESC}\\[([\\d;]*)m|[^${ESC}]+`, 'g');

/** One prompt in 80 is refused, and one in 20 is answered at the third try. */
const script = ({ prompt, promptCount }) => {
  const number = Number(/\d+/.exec(prompt)?.[0]);
  if (number % 80 === 0) return reply.status(400, { message: 'content policy' });
  if (number % 20 === 7 && promptCount < 3) return reply.status(500, { message: 'internal error' });
  return reply.ok({ text: `An answer to question ${number}. `.repeat(30) });
};

/** Returns the lines of the screen, with their colours, after everything that a command has printed. */
function screenOf(output) {
  const lines = [''];
  let row = 0;
  for (const [piece, up] of output.matchAll(MOVES)) {
    if (up !== undefined) row = Math.max(0, row - Number(up));
    else if (piece === `${ESC}[J`) lines.length = row;
    else if (piece === '\n') row++;
    else if (piece !== '\r' && !piece.startsWith(`${ESC}[?`)) lines[row] = (lines[row] ?? '') + piece;
    lines[row] ??= '';
  }
  return lines;
}

const COLORS = { 31: '#f47067', 32: '#57ab5a', 33: '#daaa3f', 36: '#56b6c2', 39: null };
const escapeXml = (text) => text.replace(/[&<>]/g, (each) => `&#${each.codePointAt(0)};`);

/** Returns the spans of a line, each of one style: a bar of blocks is drawn as one rectangle per style. */
function* spansOf(line) {
  let style = { color: null, dim: false, bold: false };
  let column = 0;
  for (const [piece, codes] of line.matchAll(STYLES)) {
    if (codes === undefined) {
      for (const [text] of piece.matchAll(/█+|▒+|░+|[^█▒░]+/g)) {
        yield { text, column, ...style };
        column += [...text].length;
      }
      continue;
    }
    for (const code of codes.split(';').map(Number)) {
      if (code === 0) style = { color: null, dim: false, bold: false };
      else if (code === 1) style = { ...style, bold: true };
      else if (code === 2) style = { ...style, dim: true };
      else if (code === 22) style = { ...style, dim: false, bold: false };
      else if (code in COLORS) style = { ...style, color: COLORS[code] };
    }
  }
}

const CHARACTER = { width: 7.83, height: 20, size: 13 };
const MARGIN = 18;
const BLOCKS = { '█': 1, '▒': 0.45, '░': 0.16 };

/** Returns the picture of a terminal with these lines: dark in itself, so that it can be read on any page. */
function toSvg(lines, title) {
  const width = Math.ceil(COLUMNS * CHARACTER.width + 2 * MARGIN);
  const height = lines.length * CHARACTER.height + 2 * MARGIN;
  const parts = lines.flatMap((line, row) =>
    [...spansOf(line)].map(({ text, column, color, dim, bold }) => {
      const x = (MARGIN + column * CHARACTER.width).toFixed(1);
      const y = MARGIN + row * CHARACTER.height;
      const fill = color ?? '#d1d7e0';
      const opacity = BLOCKS[text[0]];
      const length = ([...text].length * CHARACTER.width).toFixed(1);
      if (opacity !== undefined)
        return `<rect x="${x}" y="${y + 3}" width="${length}" height="14" fill="${fill}" opacity="${opacity}"/>`;
      if (text.trim() === '') return '';
      const look = `${dim ? ' opacity="0.72"' : ''}${bold ? ' font-weight="bold"' : ''}`;
      return `<text x="${x}" y="${y + 14}" fill="${fill}"${look} textLength="${length}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">${escapeXml(text)}</text>`;
    }),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${CHARACTER.size}">`,
    `<title>${title}</title>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="#1c2128" stroke="#545d68"/>`,
    ...parts.filter((part) => part !== ''),
    '</svg>\n',
  ].join('\n');
}

/** Runs the command in a terminal, and returns what it has printed when enough of the batch is done. */
async function record(env, folder) {
  const typed = `${COMMAND.join(' ')} --output-dir out`.replace(
    'npx durabatch',
    `'${process.execPath}' '${join(root, 'dist', 'client', 'cli.js')}'`,
  );
  const pidFile = join(folder, 'pid');
  const inTerminal = `stty cols ${COLUMNS} rows 24; echo $$ > '${pidFile}'; exec ${typed}`;
  const terminal = spawn('script', ['-qfec', inTerminal, '/dev/null'], {
    cwd: folder,
    env: { ...env, TERM: 'xterm-256color', DEEPSEEK_API_KEY: 'a-key-of-the-stand-in' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  let shown;
  const frames = terminal.stdout.setEncoding('utf8');
  const ended = new Promise((resolve) => terminal.once('close', resolve));
  for await (const text of frames) {
    output += text;
    const isWhole = /in retry/.test(text) && /last failure/.test(text);
    const [, percent] = /([\d.]+)%/.exec(text) ?? [];
    if (shown !== undefined || !isWhole || Number(percent) < PERCENT_SHOWN) continue;
    shown = output;
    process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGINT');
  }
  await ended;
  if (shown === undefined) throw new Error(`The run ended before the picture was taken:\n${output}`);
  return shown;
}

/** Runs the command in a folder with its prompts, and returns the lines of the picture. */
async function linesOf(env, folder) {
  const prompts = Array.from({ length: PROMPTS }, (_, at) => ({
    prompt_id: `prompt_${String(at + 1).padStart(4, '0')}`,
    prompt: `Question ${at + 1}?`,
  }));
  await writeFile(join(folder, 'prompts.json'), JSON.stringify(prompts));
  const screen = screenOf(await record(env, folder));
  const display = screen.slice(screen.findIndex((line) => line.startsWith('Batch ')));
  const [first, ...more] = COMMAND;
  return [`$ ${first} \\`, ...more.map((line) => `    ${line}`), ...display];
}

await runScript(async () => {
  await buildIfStale();
  const latencyMs = ({ total }) => 300 + ((total * 137) % 900);
  const provider = await startFakeProvider({ port: PORT, honourN: false, script, latencyMs });
  const folder = await mkdtemp(join(tmpdir(), 'durabatch-live-view-'));
  try {
    const server = await startTestServer();
    const lines = await linesOf(server.env, folder).finally(server.stop);
    const title = 'durabatch in a terminal, two thirds through a batch';
    await writeFile(join(root, 'docs', 'images', 'live-view.svg'), toSvg(lines, title));
    console.log(lines.join('\n'));
  } finally {
    await provider.close();
    await rm(folder, { recursive: true, force: true });
  }
});
