/**
 * node --import tsx bench/read-profile.ts <prompts> <file.cpuprofile ...>
 *
 * Where a CPU profile's time went, in ms per prompt: its own time by package or source file, its own by
 * function, and with all it calls by function.
 */
import { readFileSync } from 'node:fs';

interface Profile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  timeDeltas: number[];
}

const TOP_PLACES = 25;
const TOP_FUNCTIONS = 40;

function read(file: string, prompts: number): void {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const places = new Map<string, number>();
  const functions = new Map<string, number>();
  const calls = new Map<string, number>();
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const nameOf = (id: number): string => {
    const { functionName, url, lineNumber } = frames.get(id)!;
    return `${functionName || '(anonymous)'} ${shortUrl(url)}:${lineNumber + 1}`;
  };
  const stacks = new Map<number, Set<string>>();
  const stackOf = (id: number): Set<string> => {
    const known = stacks.get(id);
    if (known) return known;
    const parent = parents.get(id);
    const stack = new Set(parent === undefined ? [] : stackOf(parent)).add(nameOf(id));
    stacks.set(id, stack);
    return stack;
  };
  let busyMs = 0;
  for (const [position, id] of samples.entries()) {
    const { functionName, url } = frames.get(id)!;
    if (functionName === '(idle)') continue;
    const ms = Math.max(0, timeDeltas[position]!) / 1000;
    const place = placeOf(url, functionName);
    busyMs += ms;
    places.set(place, (places.get(place) ?? 0) + ms);
    functions.set(nameOf(id), (functions.get(nameOf(id)) ?? 0) + ms);
    for (const name of stackOf(id)) calls.set(name, (calls.get(name) ?? 0) + ms);
  }
  console.log(`\n${file}\nbusy: ${(busyMs / prompts).toFixed(3)} ms per prompt`);
  for (const [title, sums, most] of [
    ['by place', places, TOP_PLACES],
    ['by function', functions, TOP_FUNCTIONS],
    ['by function, with what it calls', calls, TOP_FUNCTIONS],
  ] as const) {
    console.log(`\n${title}`);
    for (const [name, ms] of [...sums].toSorted(([, a], [, b]) => b - a).slice(0, most)) {
      console.log(`${(ms / prompts).toFixed(3).padStart(8)}  ${name}`);
    }
  }
}

function placeOf(url: string, functionName: string): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  const inPackage = url.match(/node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/)?.[1];
  return inPackage && inPackage !== '.cache' ? inPackage : shortUrl(url);
}

const shortUrl = (url: string): string => url.replace(/^.*\/(node_modules|dist|durabatch-bench-[^/]+)\//, '');

const [promptsText = '', ...files] = process.argv.slice(2);
const prompts = Number(promptsText);
if (!(prompts > 0) || files.length === 0) {
  throw new Error('expected a number of prompts and at least one .cpuprofile file');
}
for (const file of files) read(file, prompts);
