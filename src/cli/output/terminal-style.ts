import { styleText } from "node:util";
import type { TextStyle } from "../../conformance/index.ts";

/** Colours where the stream is a terminal that wants them; plain text elsewhere, and with NO_COLOR. */
export function terminalStyle(stream: NodeJS.WriteStream): TextStyle {
  const painted = (format: "green" | "red" | "dim") => (text: string) => styleText(format, text, { stream });
  return { good: painted("green"), bad: painted("red"), faint: painted("dim") };
}
