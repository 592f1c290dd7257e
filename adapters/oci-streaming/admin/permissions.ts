import { PermissionAttempts } from "../../../src/adapter-kit/index.ts";
import type { GroupName, GuardedOperation, Permission } from "../../../src/driver/index.ts";
import { hasStatus } from "../errors.ts";
import { CursorReads } from "../read/cursor-reads.ts";
import type { OciService } from "../service.ts";
import type { StreamSummary } from "../streams/stream-summary.ts";

/** https://docs.oracle.com/iaas/Content/Identity/Reference/streamingpolicyreference.htm */
const TO_READ = ["STREAM_INSPECT", "STREAM_READ", "STREAM_CONSUME"];
/** https://docs.oracle.com/en-us/iaas/Content/Identity/Reference/objectstoragepolicyreference.htm */
const TO_KEEP_GROUPS = ["OBJECT_INSPECT", "OBJECT_READ", "OBJECT_CREATE", "OBJECT_OVERWRITE"];

interface Needs {
  readonly streams: readonly string[];
  readonly objects: readonly string[];
}

/** The permissions that each operation needs, on streams and on the objects of groups. The README has the same table. */
const NEEDS: Readonly<Partial<Record<GuardedOperation, Needs>>> = {
  send: { streams: ["STREAM_INSPECT", "STREAM_PRODUCE"], objects: [] },
  consume: { streams: TO_READ, objects: TO_KEEP_GROUPS },
  createTopic: { streams: ["STREAM_INSPECT", "STREAM_CREATE"], objects: [] },
  deleteTopic: { streams: ["STREAM_INSPECT", "STREAM_DELETE"], objects: [] },
  resetGroup: { streams: TO_READ, objects: TO_KEEP_GROUPS },
  deleteGroup: { streams: ["STREAM_INSPECT"], objects: [...TO_KEEP_GROUPS, "OBJECT_DELETE"] },
};

/**
 * What is known without changing anything: the service reports no permissions, so that only reading can be tried. What can only be tried by doing it is
 * listed by its permissions. @throws `not-found`
 */
export async function permissionsOn(
  service: OciService,
  topic: string,
  name: GroupName | null,
  signal: AbortSignal,
): Promise<readonly Permission[]> {
  // A call that is not permitted is answered 404, like one about something that is not there.
  const tried = new PermissionAttempts((error) => hasStatus(error, 403, 404), signal);
  const stream = await tried.attempt("STREAM_INSPECT", () => service.directory.find(topic, signal));
  // Without the list nobody knows whether the stream is there.
  if (stream === null && tried.isAllowed("STREAM_INSPECT") === true) await service.directory.usableNow(topic, signal);
  if (stream !== null) await tryStream(tried, service, stream, signal);
  await tryObjects(tried, service, stream, name, signal);
  return (Object.entries(NEEDS) as [GuardedOperation, Needs][]).map(([operation, { streams, objects }]) => {
    return tried.permissionTo(operation, [...streams, ...(service.objects === null ? [] : objects)]);
  });
}

async function tryStream(tried: PermissionAttempts, service: OciService, stream: StreamSummary, signal: AbortSignal): Promise<void> {
  await tried.attempt("STREAM_READ", () => service.directory.describe(stream.id, signal));
  const [partition] = stream.partitions;
  if (partition === undefined) return;
  await tried.attempt("STREAM_CONSUME", () => new CursorReads(service, stream, partition).cursor({ type: "LATEST" }, signal));
}

async function tryObjects(
  tried: PermissionAttempts,
  { objects, groups }: OciService,
  stream: StreamSummary | null,
  name: GroupName | null,
  signal: AbortSignal,
): Promise<void> {
  if (objects === null) return;
  await tried.attempt("OBJECT_INSPECT", () => objects.check(signal));
  if (stream === null) return;
  // An object that is not there tells as much as one that is.
  await tried.attempt("OBJECT_READ", () => groups.storeOf(stream, name?.nativeGroup ?? name?.group ?? "doctor").readGroup(signal));
}
