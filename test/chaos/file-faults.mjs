/**
 * Preloaded (`--import`) into a command: makes one of its file operations below a folder fail, and writes down all of them.
 * What to do is in DURABATCH_FILE_FAULT, as JSON: see `FileFault` in `file-fault.ts`.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';
import { relative, sep } from 'node:path';

const { root, at, kind, code, trace, only } = JSON.parse(process.env.DURABATCH_FILE_FAULT);
const { promises } = fs;
const { writeSync } = fs;
const log = fs.openSync(trace, 'a');
const folder = root.endsWith(sep) ? root.slice(0, -1) : root;
const counts = new RegExp(only ?? '');
let count = 0;

const isBelow = (path) => typeof path === 'string' && (path === folder || path.startsWith(folder + sep));

/** Counts an operation; true if it is the one that is to fail. */
function isChosen(name, path) {
  const operation = `${name} ${relative(folder, path)}`;
  if (!counts.test(operation)) return false;
  count++;
  writeSync(log, `${count} ${operation}\n`);
  if (count !== at) return false;
  writeSync(log, `fault ${kind} ${code}\n`);
  return true;
}

function failure(name, path) {
  const error = new Error(`${code}: made up by the sweep, ${name} '${path}'`);
  return Object.assign(error, { code, errno: -constants.errno[code], syscall: name, path });
}

const die = () => process.kill(process.pid, 'SIGKILL');

/** `half` does a part of the operation, where it has parts. */
async function fail(name, path, half) {
  if (kind === 'death') {
    die();
    await new Promise(() => {});
  }
  if (half && kind !== 'error') {
    const done = await half();
    if (kind === 'short' && done !== undefined) return done;
    if (kind === 'torn death') {
      die();
      await new Promise(() => {});
    }
  }
  throw failure(name, path);
}

for (const name of [
  'open',
  'readdir',
  'stat',
  'lstat',
  'mkdir',
  'chmod',
  'rename',
  'link',
  'unlink',
  'rm',
  'readFile',
  'writeFile',
]) {
  const original = promises[name];
  promises[name] = async (...args) => {
    const path = args.slice(0, 2).find(isBelow);
    if (path !== undefined && isChosen(name, path)) return fail(name, path);
    const result = await original.apply(promises, args);
    if (name === 'open' && path !== undefined) pathOf.set(result, path);
    return result;
  };
}

const pathOf = new WeakMap();
const sample = await promises.open(trace, 'r');
const prototype = Object.getPrototypeOf(sample);
await sample.close();

const halfOf = (data) => {
  const bytes = Buffer.from(data);
  return bytes.subarray(0, Math.floor(bytes.length / 2));
};

for (const name of [
  'read',
  'write',
  'writeFile',
  'appendFile',
  'readFile',
  'sync',
  'datasync',
  'stat',
  'truncate',
]) {
  const original = prototype[name];
  prototype[name] = async function (...args) {
    const path = pathOf.get(this);
    if (path === undefined || !isChosen(name, path)) return original.apply(this, args);
    const halves = {
      // As `write(2)` may: fewer bytes than asked for, and no error.
      write: async () => {
        const [buffer, offset = 0] = args;
        const length = Math.max(1, Math.floor((buffer.length - offset) / 2));
        return original.call(this, buffer, offset, length);
      },
      writeFile: async () => void (await original.call(this, halfOf(args[0]))),
      appendFile: async () => void (await original.call(this, halfOf(args[0]))),
    };
    return fail(name, path, halves[name]);
  };
}

syncBuiltinESMExports();
