import type { SchedulePlan } from "../core/plan.ts";
import type { CronTimes } from "./cron.ts";

/** How a schedule decides; `random` is in [0, 1). */
export interface Rules extends Pick<SchedulePlan, "overlap" | "catchUp" | "jitter"> {
  readonly times: CronTimes;
  readonly random: () => number;
}

export interface Due {
  readonly at: number;
  readonly cause: "clock" | "catch-up";
}

/** Where a schedule stands. All times are milliseconds since 1970. */
export interface Course {
  readonly next: { readonly at: number; readonly begin: number } | undefined;
  /** When this process began to keep the schedule. */
  readonly since: number;
  /** No planned time up to this one is decided again. */
  readonly decided: number;
  readonly active: number;
  /** One of the times that were missed is being caught up with. */
  readonly catching: boolean;
  /** What runs once nothing else does, the oldest first. */
  readonly waiting: readonly Due[];
  /** Somebody is there who could run it. */
  readonly open: boolean;
  readonly paused: boolean;
  readonly quiet: boolean;
}

export type Occasion =
  /** The time may have come: a timer, or a clock that was set. */
  | { readonly tag: "wake" }
  /** The store has told the last time that anybody ran, if ever; `isOurs`: by this plan. */
  | { readonly tag: "remembered"; readonly lastAt: number | undefined; readonly isOurs: boolean }
  | { readonly tag: "opened" | "closed" | "paused" | "resumed" | "quiet" }
  /** An operator's run, which no rule has asked for. */
  | { readonly tag: "began" }
  | { readonly tag: "ended"; readonly cause: Due["cause"] | "manual" }
  /** It could not be begun, and nobody else has: whoever opens next may. */
  | { readonly tag: "returned"; readonly due: Due };

export type Verdict =
  | { readonly tag: "run"; readonly due: Due }
  /** `count` planned times up to `at` do not run. */
  | {
      readonly tag: "skip";
      readonly at: number;
      readonly count: number;
      readonly cause: "overlap" | "paused" | "missed";
    };

/** Found this much after its time, a run is late; later than that, its time was missed. */
export const lateness = 60_000;
/** How many missed times are caught up with at most, the newest ones. */
export const mostMissed = 1_000;
/** A clock that is set back by more than this was wrong before, so what was decided by it is void. */
const wrongClock = 24 * 3_600_000;

export function createCourse(rules: Rules, now: number): Course {
  return {
    next: planAfter(rules, now),
    since: now,
    decided: now,
    active: 0,
    catching: false,
    waiting: [],
    open: false,
    paused: false,
    quiet: false,
  };
}

/** What follows from `occasion` at `now`. A run that it decides counts as active until `ended`. */
export function decide(
  course: Course,
  occasion: Occasion,
  rules: Rules,
  now: number,
): readonly [Course, readonly Verdict[]] {
  const verdicts: Verdict[] = [];
  const noted = note(course, occasion, rules, now, verdicts);
  const woken = noted.open && !noted.quiet ? wake(noted, rules, now, verdicts) : noted;
  return [start(woken, rules, verdicts), verdicts];
}

/** What is known now that was not before. */
function note(course: Course, occasion: Occasion, rules: Rules, now: number, verdicts: Verdict[]): Course {
  switch (occasion.tag) {
    case "wake":
      return course;
    case "remembered":
      return course.quiet ? course : remember(course, occasion, rules, now, verdicts);
    case "opened":
    case "closed":
      return { ...course, open: occasion.tag === "opened" };
    case "paused":
    case "resumed":
      return { ...course, paused: occasion.tag === "paused" };
    case "quiet":
      return { ...course, quiet: true, waiting: [] };
    case "began":
      return { ...course, active: course.active + 1 };
    case "ended":
      return end(course, occasion.cause);
    case "returned": {
      const ended = end(course, occasion.due.cause);
      return course.quiet ? ended : { ...ended, waiting: [occasion.due, ...ended.waiting] };
    }
  }
}

function end(course: Course, cause: Due["cause"] | "manual"): Course {
  return { ...course, active: course.active - 1, catching: course.catching && cause !== "catch-up" };
}

/** The times between the last run of anybody and the beginning of this process were missed. */
function remember(
  course: Course,
  { lastAt, isOurs }: Extract<Occasion, { tag: "remembered" }>,
  rules: Rules,
  now: number,
  verdicts: Verdict[],
): Course {
  if (lastAt === undefined || lastAt > now + wrongClock) return course;
  if (lastAt > course.decided) return { ...course, decided: lastAt, next: planAfter(rules, lastAt) };
  // What ran then was planned by another expression, which had other times than these.
  if (!isOurs || rules.times.next(lastAt - 1) !== lastAt) return course;
  const found = plannedIn(rules.times, lastAt, course.since);
  return take(course, found, course.since, rules, verdicts);
}

/** Decides on every planned time whose begin has come. */
function wake(course: Course, rules: Rules, now: number, verdicts: Verdict[]): Course {
  if (course.decided > now + wrongClock) {
    return { ...course, decided: now, since: now, next: planAfter(rules, now) };
  }
  const { next } = course;
  if (next === undefined || next.begin > now) return course;
  const following = rules.times.next(next.at);
  // Its jitter is part of its time: it is not late because of that.
  const isAlone = following === undefined || following > now;
  const found = isAlone ? [next.at] : plannedIn(rules.times, course.decided, now);
  const decided = found.at(-1) as number;
  const seen = isAlone ? now - (next.begin - next.at) : now;
  return take({ ...course, decided, next: planAfter(rules, decided) }, found, seen, rules, verdicts);
}

/** `found`, the oldest first, have come by `now`: the newest may be on time, what is older was missed. */
function take(
  course: Course,
  found: readonly number[],
  now: number,
  rules: Rules,
  verdicts: Verdict[],
): Course {
  const newest = found.at(-1);
  if (newest === undefined) return course;
  if (course.paused) {
    verdicts.push({ tag: "skip", at: newest, count: found.length, cause: "paused" });
    return course;
  }
  const isOnTime = now - newest <= lateness;
  const missed = isOnTime ? found.slice(0, -1) : found;
  const caught = takeMissed(course, missed, isOnTime, rules, verdicts);
  return isOnTime ? takeOnTime(caught, newest, rules, verdicts) : caught;
}

function takeMissed(
  course: Course,
  missed: readonly number[],
  isCovered: boolean,
  rules: Rules,
  verdicts: Verdict[],
): Course {
  const newest = missed.at(-1);
  if (newest === undefined) return course;
  const wanted = rules.catchUp === "all" ? missed : rules.catchUp === "once" && !isCovered ? [newest] : [];
  const room = Math.max(0, mostMissed - course.waiting.length);
  const taken = wanted.slice(Math.max(0, wanted.length - room));
  const left = missed.length - taken.length;
  if (left > 0) verdicts.push({ tag: "skip", at: missed[left - 1] as number, count: left, cause: "missed" });
  const added = taken.map((at): Due => ({ at, cause: "catch-up" }));
  // What was missed before this process began may be told after its first times have come.
  return { ...course, waiting: [...course.waiting, ...added].sort((a, b) => a.at - b.at) };
}

function takeOnTime(course: Course, at: number, rules: Rules, verdicts: Verdict[]): Course {
  const due: Due = { at, cause: "clock" };
  const skip = (cause: "overlap" | "missed") => {
    verdicts.push({ tag: "skip", at, count: 1, cause });
    return course;
  };
  const { waiting } = course;
  // In order, so that the last time that ran says what a crash has left to be caught up with.
  if (rules.catchUp === "all" && waiting.length > 0) {
    return waiting.length < mostMissed ? { ...course, waiting: [...waiting, due] } : skip("missed");
  }
  // Told before anybody is there to run it.
  if (!course.open) return { ...course, waiting: [...waiting, due] };
  const isFree = rules.overlap === "allow" || (course.active === 0 && waiting.length === 0);
  if (isFree) {
    verdicts.push({ tag: "run", due });
    return { ...course, active: course.active + 1 };
  }
  const isFirstBehind = !waiting.some(({ cause }) => cause === "clock");
  return rules.overlap === "queue" && isFirstBehind
    ? { ...course, waiting: [...waiting, due] }
    : skip("overlap");
}

/** Runs what waits, one after the other, whatever the overlap: nobody wants a thousand missed runs at once. */
function start(course: Course, rules: Rules, verdicts: Verdict[]): Course {
  let { waiting, active, catching } = course;
  if (!course.open || course.paused || course.quiet) return course;
  const mayStart = () => (rules.overlap === "allow" ? !catching : active === 0);
  for (let due = waiting[0]; due && mayStart(); due = waiting[0]) {
    verdicts.push({ tag: "run", due });
    waiting = waiting.slice(1);
    active++;
    catching ||= due.cause === "catch-up";
  }
  return { ...course, waiting, active, catching };
}

/** The planned times after `after` and up to `until`, the oldest first: no more than can be caught up with. */
function plannedIn(times: CronTimes, after: number, until: number): number[] {
  const found: number[] = [];
  let at = times.previous(until + 1);
  while (at !== undefined && at > after && found.length < mostMissed) {
    found.push(at);
    at = times.previous(at);
  }
  return found.reverse();
}

/** The jitter ends before the time that follows, so that runs stay in order. */
function planAfter({ times, jitter, random }: Rules, after: number): Course["next"] {
  const at = times.next(after);
  if (at === undefined) return undefined;
  if (jitter === 0) return { at, begin: at };
  const following = times.next(at) ?? Number.POSITIVE_INFINITY;
  return { at, begin: at + Math.floor(random() * Math.min(jitter, following - at)) };
}
