/**
 * Time from the first start to the last end when every slot takes the next prompt of the file the moment it
 * is free: what no runner with that many slots and that order can beat. All in ms.
 */
export function idealMs(durationsMs: readonly number[], slots: number): number {
  const freeAt = Array.from({ length: Math.min(slots, durationsMs.length) }, () => 0);
  for (const duration of durationsMs) {
    freeAt[0]! += duration;
    siftDown(freeAt);
  }
  return Math.max(0, ...freeAt);
}

/** Puts the first of a heap, which has grown, where it belongs. */
function siftDown(heap: number[]): void {
  for (let at = 0; ;) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && heap[child]! < heap[least]!) least = child;
    }
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least]!, heap[at]!];
    at = least;
  }
}
