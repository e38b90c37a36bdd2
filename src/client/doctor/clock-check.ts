import { durationText } from '../render/duration-text.ts';
import { failed, type Finding, ok, warning } from './finding.ts';

/** Somebody's time, and when we asked for it and heard it by ours. All in ms since 1970. */
export interface ForeignTime {
  whose: string;
  date: number;
  sentAt: number;
  answeredAt: number;
}

/** A `Date` header counts whole seconds, and an answer takes its time. */
const TOLERATED_MS = 5_000;
const HARMFUL_MS = 5 * 60_000;
const ADVICE =
  'Let the system set its clock (timedatectl set-ntp true; in Windows: Settings, Time): certificates, Retry-After dates, prices by the hour and the times in reports go by it.';

/** `builtAt`: ms since 1970 of a moment that is surely past. */
export function checkClock(foreign: ForeignTime | null, now: number, builtAt: number): Finding {
  const time = new Date(now).toISOString();
  if (foreign !== null) {
    // Within the second that the header names, and between asking and hearing.
    const ahead = Math.max(0, foreign.sentAt - (foreign.date + 1000));
    const behind = Math.max(0, foreign.date - foreign.answeredAt);
    const skew = Math.max(ahead, behind);
    if (skew <= TOLERATED_MS) return ok(`${time}, as by ${foreign.whose}`);
    const text = `${durationText(skew)} ${ahead > 0 ? 'ahead of' : 'behind'} ${foreign.whose}`;
    return skew > HARMFUL_MS ? failed(text, ADVICE) : warning(text, ADVICE);
  }
  if (now < builtAt) return failed(`${time}, which is before durabatch was built`, ADVICE);
  return ok(`${time}; there was no other clock to compare it with`);
}
