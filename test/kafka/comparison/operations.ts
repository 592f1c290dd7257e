import { adminOperations } from "./admin-operations.ts";
import { groupOperations } from "./group-operations.ts";
import { javaOperations } from "./java-operations.ts";
import { kafkajsOperations, slowKafkajsOperations } from "./kafkajs-operations.ts";
import { kcatOperations } from "./kcat-operations.ts";
import { logOperations } from "./log-operations.ts";
import { offsetOperations } from "./offset-operations.ts";
import { type Operation, Target, outcomeOf } from "./operation.ts";
import { permissionOperations } from "./permission-operations.ts";
import { produceOperations } from "./produce-operations.ts";
import { settingsOperations } from "./settings-operations.ts";
import { transactionOperations } from "./transaction-operations.ts";

/** Operations that need only Node and some seconds. */
export const quickOperations: readonly Operation[] = [
  ...produceOperations,
  ...logOperations,
  ...groupOperations,
  ...offsetOperations,
  ...adminOperations,
  ...settingsOperations,
  ...permissionOperations,
  ...transactionOperations,
  ...kafkajsOperations,
];

/** Operations that need other programs, or much time. */
export const longOperations: readonly Operation[] = [...slowKafkajsOperations, ...kcatOperations, ...javaOperations];

export type Outcomes = Readonly<Record<string, unknown>>;

/** Runs several at a time, on their own topics and groups. @returns the outcomes by name */
export async function tryAll(operations: readonly Operation[], bootstrapServers: string, atOnce = 4): Promise<Outcomes> {
  const outcomes = new Map<string, unknown>();
  const queue = operations.values();
  const work = async (): Promise<void> => {
    for (const { name, run } of queue) {
      const target = new Target(bootstrapServers);
      outcomes.set(name, target.plain(await outcomeOf(run(target))));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return Object.fromEntries(operations.map(({ name }) => [name, outcomes.get(name)]));
}
