import type { CountedCall } from "../../faults/fault-plan.ts";
import { RequestFaults } from "../faults/request-faults.ts";
import { type Handler, type RequestContext, checkRequest, streamNameOf } from "../requests/handler.ts";
import { readIterator } from "../requests/get-records.ts";
import { handlers } from "../requests/handlers.ts";
import { type PutEntry, shardOfEntry } from "../requests/store-records.ts";
import type { Service } from "../service.ts";
import { ServiceError } from "../service-error.ts";
import { type HttpAnswer, type HttpCall, JSON_1_0, JSON_1_1 } from "./http-call.ts";
import { type Answered, carryOutWithFaults } from "./carry-out.ts";
import { answerTableCall } from "./table-dispatcher.ts";
import { refuseCbor } from "./unsupported-protocol.ts";

const TARGET = /^(?<service>Kinesis_20131202|DynamoDB_20120810)\.(?<operation>\w+)$/;

/** Answers a request. @param gone aborted when its connection is closed */
export async function answer(service: Service, call: HttpCall, gone: AbortSignal): Promise<Answered> {
  const refused = refuseCbor(call);
  if (refused !== null) return refused;
  if (call.method === "GET") return { status: 200, contentType: "text/plain", body: "healthy" };
  const target = TARGET.exec(String(call.headers["x-amz-target"] ?? ""))?.groups;
  const isTable = target?.["service"] === "DynamoDB_20120810";
  const contentType = isTable ? JSON_1_0 : JSON_1_1;
  const operation = target?.["operation"] ?? "";
  try {
    if (target === undefined)
      throw new ServiceError("UnknownOperationException", "The request names no operation of Kinesis or DynamoDB.", 404);
    service.signatures.check(call, isTable ? "dynamodb" : "kinesis");
    return isTable
      ? await answerTableCall(service, operation, call.body, gone)
      : await answerStreamCall(service, operation, call.body, gone);
  } catch (error) {
    return errorAnswer(error, contentType);
  }
}

async function answerStreamCall(service: Service, operation: string, body: Buffer, gone: AbortSignal): Promise<Answered> {
  const handler = handlers.get(operation);
  if (handler === undefined) throw new ServiceError("UnknownOperationException", `The emulator does not serve ${operation}.`);
  const input = parseBody(body);
  checkRequest(handler, input);
  const { plan } = service;
  const faults = plan.isEmpty
    ? RequestFaults.NONE
    : new RequestFaults(plan.take(countedCall(handler, input, service.context(RequestFaults.NONE))));
  return carryOutWithFaults(service, faults, gone, async () => {
    service.rates.requireCall(operation);
    if ((input as { readonly DryRun?: unknown }).DryRun === true) {
      throw new ServiceError("DryRunOperationException", "The request was rejected because the DryRun parameter was specified.");
    }
    const output = handler.handle(input as never, service.context(faults));
    return { status: 200, contentType: JSON_1_1, body: typeof output === "string" ? output : JSON.stringify(output) };
  });
}

function errorAnswer(error: unknown, contentType: string): HttpAnswer {
  const known =
    error instanceof ServiceError ? error : new ServiceError("InternalFailure", `The emulator is at fault: ${String(error)}`, 500);
  const body = JSON.stringify({ __type: known.type, message: known.message });
  return { status: known.status, contentType, body };
}

function parseBody(body: Buffer): object {
  let input: unknown;
  try {
    input = body.length === 0 ? {} : JSON.parse(body.toString());
  } catch {
    throw new ServiceError("SerializationException", "The request is no JSON.");
  }
  if (typeof input === "object" && input !== null && !Array.isArray(input)) return input;
  throw new ServiceError("SerializationException", "The request is no object.");
}

function countedCall({ name }: Handler, input: object, context: RequestContext): CountedCall {
  const { ShardIterator: iterator, Records: entries = [], ShardId: shardId } = input as Named;
  if (typeof iterator === "string") return { name, topics: ofIterator(iterator, context), hasGroup: false };
  const stream = streamNameOf(input, context);
  if (stream === null) return { name, topics: new Map(), hasGroup: false };
  const puts = name === "PutRecord" ? [input as PutEntry] : entries;
  const found = puts.length === 0 ? undefined : context.streams.find(stream);
  const shards = found === undefined ? null : [...new Set(puts.map((entry) => shardOfEntry(found, entry).shardId))];
  return { name, topics: new Map([[stream, typeof shardId === "string" ? [shardId] : shards]]), hasGroup: false };
}

interface Named {
  readonly ShardIterator?: unknown;
  readonly Records?: readonly PutEntry[];
  readonly ShardId?: unknown;
}

function ofIterator(text: string, context: RequestContext): ReadonlyMap<string, readonly string[]> {
  try {
    const { streamName, shardId } = readIterator(text, context);
    return new Map([[streamName, [shardId]]]);
  } catch {
    return new Map();
  }
}
