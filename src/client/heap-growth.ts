/**
 * How far V8 lets the heap grow over what is alive before it collects. By itself it takes up to four times, the
 * more the longer a process streams through a large batch. Settings of the whole process, for the command
 * line alone: a program that uses the API keeps its own.
 */
import { setFlagsFromString } from 'node:v8';

const LITTLE_PERCENT = 30;
/** V8's own choice. */
const AS_USUAL = 0;

const grow = (percent: number): void => setFlagsFromString(`--heap-growing-percent=${percent}`);

/** A short command is over by then, and the code is loaded: collecting what that leaves behind is a tenth of a start. */
const STREAMS_AFTER_MS = 1000;
let later: NodeJS.Timeout | undefined;

/** Memory first, for what takes longer: a large batch takes about as much as a small one, for a fifth more processor time. */
export function growHeapLittle(): void {
  later = setTimeout(() => grow(LITTLE_PERCENT), STREAMS_AFTER_MS).unref();
}

/** Speed first: where prompts are in progress, what is alive is small and steady. */
export function growHeapAsUsual(): void {
  clearTimeout(later);
  grow(AS_USUAL);
}
