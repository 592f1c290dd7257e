import type { CopyProgress } from "../../migration/index.ts";
import { counted, durationText } from "./duration-text.ts";

const BAR_CHARACTERS = 20;

/** One line on a terminal: how much is done, as a bar where the provider tells what is left, the rate, the lag and the time left. */
export function copyProgressText(
  { copied, duplicates, returned, lag }: Pick<CopyProgress, "copied" | "duplicates" | "returned" | "lag">,
  perSecond: number,
): string {
  const rate = `${counted(copied, "message")} copied, ${perSecond.toLocaleString("en")} a second`;
  if (lag === null) return rate;
  const done = copied + duplicates + returned;
  const left = perSecond === 0 || lag === 0 ? "" : `, ${durationText((lag / perSecond) * 1_000)} left`;
  return `${bar(done, lag)} ${rate}, ${lag.toLocaleString("en")} behind${left}`;
}

/** Of this copier: what others of the group have done is not known. */
function bar(done: number, lag: number): string {
  const share = done + lag === 0 ? 1 : done / (done + lag);
  const filled = Math.floor(share * BAR_CHARACTERS);
  return `[${"#".repeat(filled)}${"-".repeat(BAR_CHARACTERS - filled)}] ${Math.floor(share * 100)} %`;
}
