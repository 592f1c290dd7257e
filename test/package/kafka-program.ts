import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./command.ts";

/** A small program on an emulated Kafka, as an application would write it. */
export const BODY = `
async function main() {
  const emulator = await startEmulator("kafka", { topics: { orders: { partitions: 2 } } });
  try {
    const connection = await connect(emulator.url);
    const orders = connection.topic("orders", { codec: text(), key: (order) => order });
    await orders.producer().send({ value: "order 1" });
    for await (const { value } of orders.reader({ until: "now" })) console.log(value);
    await connection.close();
  } catch (error) {
    console.log(error.code, error.message);
  } finally {
    await emulator.close();
  }
}
main();
`;
export const IMPORTING = `import { connect, text } from "streamport";\nimport { startEmulator } from "streamport/emulators";\n${BODY}`;
export const REQUIRING = `const { connect, text } = require("streamport");\nconst { startEmulator } = require("streamport/emulators");\n${BODY}`;
export const TYPED = IMPORTING.replace("catch (error)", "catch (error: any)").replace(
  "async function main()",
  "async function main(): Promise<void>",
);
/** What it prints. */
export const WORKED = "order 1\n";

/** A CommonJS project of TypeScript, within one that has the package and kafkajs. */
export async function typedCommonJs(beside: string): Promise<string> {
  const project = join(beside, "commonjs");
  await mkdir(project, { recursive: true });
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "commonjs-project", type: "commonjs" }));
  await writeFile(join(project, "program.ts"), TYPED);
  return project;
}

/** Compiles it to `out/program.js`. Rejects with what the compiler says. */
export async function compileCommonJs(project: string, compiler: string): Promise<void> {
  const options = ["--strict", "--target", "es2023", "--types", "node", "--module", "nodenext", "--outDir", "out", "program.ts"];
  await runCommand(process.execPath, [compiler, ...options], project);
}
