import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** This is a step of the build: `node localstack/demo/compress-flights.ts <folder of the built files>` adds the data of the demo. */
const [dist] = process.argv.slice(2);
if (dist === undefined) throw new TypeError("the folder of the built files is needed");
const flights = await readFile(join(import.meta.dirname, "flights-20k.jsonl"));
await writeFile(join(dist, "localstack", "demo", "flights-20k.jsonl.gz"), gzipSync(flights, { level: 9 }));
