import { isWithinControl, median, worstRatio } from "./result.ts";

const RUNS = 3;

/** Short pairs and many of them where that costs nothing: what a shared machine does meanwhile then meets both alike. */
export interface Pairs {
  readonly pairs: number;
  /** Rounds before them. */
  readonly warmUp: number;
}

/** Of one message. */
export interface Sample {
  readonly microseconds: number;
  readonly cpuMicroseconds: number;
}

/** Does its share of work once, and says what a message of it took. */
export type Contestant = () => Promise<Sample>;

interface PairedFigures {
  /** Time of raw / time of the challenger, in the same round: above 1 the challenger is faster. */
  readonly speed: number;
  readonly challenger: Sample;
}

export interface Comparison<Name extends string> {
  readonly figures: Readonly<Record<Name, PairedFigures>>;
  readonly raw: Sample;
  /** Of raw against itself, in the same rounds. */
  readonly control: number;
}

/** Begins now; the sample is of so many messages. */
export function startWatch(): (messages: number) => Sample {
  const cpuAtStart = process.cpuUsage();
  const startedAt = performance.now();
  return (messages) => {
    const microseconds = (performance.now() - startedAt) * 1_000;
    const { user, system } = process.cpuUsage(cpuAtStart);
    return { microseconds: microseconds / messages, cpuMicroseconds: (user + system) / messages };
  };
}

/**
 * Each round measures raw, the challengers, and raw again; every other round goes backwards, so that who comes first takes turns. A
 * challenger is compared with the two of raw around it, which a machine that changes its pace meets alike; their own
 * ratio is the control. Where that leaves its bounds all rounds are measured again.
 */
export async function compare<Name extends string>(
  challengers: Readonly<Record<Name, Contestant>>,
  raw: Contestant,
  pairs: Pairs,
): Promise<Comparison<Name>> {
  return untilControlled(() => rounds(challengers, raw, pairs));
}

/** Measures again where the control leaves its bounds, three times at most. */
export async function untilControlled<Measured extends { readonly control: number }>(measure: () => Promise<Measured>): Promise<Measured> {
  let measured = await measure();
  for (let run = 1; run < RUNS && !isWithinControl(measured.control); run += 1) measured = await measure();
  return measured;
}

async function rounds<Name extends string>(
  challengers: Readonly<Record<Name, Contestant>>,
  raw: Contestant,
  { pairs, warmUp }: Pairs,
): Promise<Comparison<Name>> {
  const names = Object.keys(challengers) as Name[];
  const entrants = [{ contestant: raw }, ...names.map((name) => ({ contestant: challengers[name] })), { contestant: raw }];
  const samples = new Map(entrants.map((entrant) => [entrant, [] as Sample[]]));
  for (let round = -warmUp; round < pairs; round += 1) {
    for (const entrant of round % 2 === 0 ? entrants : entrants.toReversed()) {
      const sample = await entrant.contestant();
      if (round >= 0) samples.get(entrant)!.push(sample);
    }
  }
  const taken = entrants.map((entrant) => samples.get(entrant)!);
  const [first, second] = [taken[0]!, taken.at(-1)!];
  const around = first.map((sample, round) => Math.sqrt(sample.microseconds * second[round]!.microseconds));
  const figures = names.map((name, index): [Name, PairedFigures] => {
    const own = taken[index + 1]!;
    return [name, { speed: median(own.map(({ microseconds }, round) => around[round]! / microseconds)), challenger: middle(own) }];
  });
  return {
    figures: Object.fromEntries(figures) as Record<Name, PairedFigures>,
    raw: middle([...first, ...second]),
    control: median(first.map(({ microseconds }, round) => microseconds / second[round]!.microseconds)),
  };
}

function middle(samples: readonly Sample[]): Sample {
  return {
    microseconds: median(samples.map(({ microseconds }) => microseconds)),
    cpuMicroseconds: median(samples.map(({ cpuMicroseconds }) => cpuMicroseconds)),
  };
}

/** For people. @param rawName what raw is */
export function comparisonText({ figures, raw, control }: Comparison<string>, rawName = "raw"): string {
  const challengers = Object.entries(figures).map(([name, { challenger }]) => [name, challenger] as const);
  return `${sampleTexts({ ...Object.fromEntries(challengers), [rawName]: raw })}; control ${control.toFixed(3)}`;
}

/** The one furthest from 1. */
export function worstControl(comparisons: readonly { readonly control: number }[]): number {
  return worstRatio(comparisons.map(({ control }) => control));
}

/** For people. */
export function sampleTexts(samples: Readonly<Record<string, Sample>>): string {
  const texts = Object.entries(samples).map(([who, { microseconds, cpuMicroseconds }]) => {
    return `${who} ${microseconds.toFixed(2)} µs (CPU ${cpuMicroseconds.toFixed(2)} µs) a message`;
  });
  return texts.join(", ");
}
