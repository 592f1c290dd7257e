import { type DefinedCase } from "../../conformance/index.ts";
import { StandardOutput } from "../output/standard-output.ts";
import { table } from "../output/table.ts";

/** Prints what there is to run: each case with its promise, the mutant it kills, the capabilities it stands on and the faults it needs. */
export async function listCases(cases: readonly DefinedCase[], json: boolean): Promise<void> {
  const rows = cases.map(({ name, promise, mutant, gates, faults }) => ({ case: name, promise, mutant, gates, faults }));
  const text = json
    ? rows.map((row) => `${JSON.stringify(row)}\n`).join("")
    : table([
        ["case", "promise", "mutant", "gates", "faults"],
        ...rows.map((row) => [row.case, String(row.promise), row.mutant, row.gates.join(" "), row.faults.join(" ")]),
      ]);
  await new StandardOutput().write(text);
}
