import { median } from './statistics.ts';

export interface Arm {
  name: string;
  /** Measures one round. Higher is better, unless the unit is a time. */
  measure(): Promise<number>;
}

export interface Comparison {
  subject: number;
  baseline: number;
  /** Median of the ratios of all rounds: a temporary load of the machine slows both sides of a round. */
  ratio: number;
  rounds: { subject: number; baseline: number }[];
}

/** Measures both sides in turn; each goes first in every other round. The first round is a warm-up and is dropped. */
export async function interleave(subject: Arm, baseline: Arm, rounds: number): Promise<Comparison> {
  const kept: Comparison['rounds'] = [];
  for (let round = 0; round <= rounds; round++) {
    const measured = { subject: 0, baseline: 0 };
    const order = round % 2 === 0 ? (['subject', 'baseline'] as const) : (['baseline', 'subject'] as const);
    for (const side of order) measured[side] = await (side === 'subject' ? subject : baseline).measure();
    if (round > 0) kept.push(measured);
  }
  return {
    subject: median(kept.map((round) => round.subject)),
    baseline: median(kept.map((round) => round.baseline)),
    ratio: median(kept.map((round) => round.subject / round.baseline)),
    rounds: kept,
  };
}
