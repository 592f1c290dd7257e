import { setTimeout as later } from "node:timers";
import { RequestFaults } from "../faults/request-faults.ts";
import type { Service } from "../service.ts";
import { ServiceError } from "../service-error.ts";
import { type TableCall, commitName, tableOf, topicsOfTable } from "../tables/table-call.ts";
import { type Answered, carryOutWithFaults } from "./carry-out.ts";
import { JSON_1_0 } from "./http-call.ts";

/** How long a thief keeps a lease. It does not renew it: a client that waits for the lease to expire finds it free sooner. */
const THEFT_MS = 200;

/** Carries out a call to DynamoDB, with the faults that apply to it. */
export async function answerTableCall(service: Service, operation: string, body: Buffer, gone: AbortSignal): Promise<Answered> {
  const text = body.toString();
  const call: TableCall = { operation, input: inputOf(text) };
  const faults = service.plan.isEmpty ? RequestFaults.NONE : await takeFaults(service, call);
  return carryOutWithFaults(service, faults, gone, async () => {
    await takeLeases(service, call, faults);
    const { status, body: answer } = await service.tables.call(operation, text);
    return { status, contentType: JSON_1_0, body: answer };
  });
}

function inputOf(text: string): TableCall["input"] {
  try {
    return JSON.parse(text) as TableCall["input"];
  } catch {
    throw new ServiceError("SerializationException", "The request is no JSON.");
  }
}

async function takeFaults({ plan, leases }: Service, call: TableCall): Promise<RequestFaults> {
  const table = tableOf(call);
  const owned = await leases.ownedKey(call);
  const key = owned ?? (await leases.key(call));
  const partitions = key === null ? null : Object.values(key).flatMap(({ S }) => S ?? []);
  const topics = new Map((table === null ? [] : topicsOfTable(table)).map((topic) => [topic, partitions] as const));
  const name = owned === null ? call.operation : commitName(call.operation);
  return new RequestFaults(plan.take({ name, topics, hasGroup: false }));
}

async function takeLeases({ leases }: Service, call: TableCall, faults: RequestFaults): Promise<void> {
  const table = tableOf(call);
  if (table === null) return;
  if (faults.has("free-leases")) await leases.freeAll(table);
  const key = faults.has("steal-lease") ? await leases.key(call) : null;
  if (key === null) return;
  await leases.steal(table, key);
  later(() => void leases.free(table, key), THEFT_MS).unref();
}
