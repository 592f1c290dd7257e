import { counted } from "./duration-text.ts";

/** What retention has removed of a partition. @param when before what, or behind what, it was removed */
export function removedText({ partition, missing }: { readonly partition: string; readonly missing: number | null }, when: string): string {
  return `Retention has removed ${missing === null ? "an unknown number of messages" : counted(missing, "message")} of partition ${partition} ${when}`;
}
