import { inProcessProviders } from "../../localstack/in-process.ts";
import type { EmulatorCall, EmulatorReply } from "./emulator-process.ts";

// What `startEmulatorProcess` runs: one emulator, with options of its own, that takes calls from the parent.
const [provider = "", options = "{}"] = process.argv.slice(2);
const start = inProcessProviders[provider];
if (start === undefined) throw new Error(`there is no emulator of ${provider}; there are ${Object.keys(inProcessProviders).join(", ")}`);
const emulator = await start(JSON.parse(options) as object);

const reply = (message: EmulatorReply): void => void process.send!(message);

async function answer({ id, call, fault }: EmulatorCall): Promise<void> {
  try {
    if (call === "inject") await emulator.inject(fault!);
    else emulator.clearFaults();
    reply({ id, error: null });
  } catch (error) {
    reply({ id, error: String(error) });
  }
}

process.on("message", (call: EmulatorCall) => void answer(call));
process.once("disconnect", () => void emulator.close());
reply({ id: 0, error: null, url: emulator.url, environment: emulator.environment ?? {} });
