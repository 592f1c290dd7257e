import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob";

/** What a store answered, without what differs from one store to the next. */
type Outcome = Readonly<Record<string, unknown>>;

interface Failure {
  readonly statusCode?: number;
  readonly details?: { readonly errorCode?: string };
}

async function outcomeOf(call: Promise<object | boolean>, show: (answer: never) => unknown = () => "done"): Promise<unknown> {
  try {
    return show((await call) as never);
  } catch (error) {
    const { statusCode, details } = error as Failure;
    return `${statusCode} ${details?.errorCode ?? ""}`;
  }
}

/** Carries out what stores of checkpoints do, right and wrong. The container must not exist. @returns the outcome of each step */
export async function blobOutcomes(connectionString: string, name: string): Promise<Outcome> {
  const service = BlobServiceClient.fromConnectionString(connectionString, { retryOptions: { maxTries: 1 } });
  const container = service.getContainerClient(name);
  const missing = {
    "a container that is missing exists": await outcomeOf(container.exists(), String),
    "a list of it": await outcomeOf(container.listBlobsFlat().next()),
    "a blob in it": await outcomeOf(container.getBlockBlobClient("x").upload("", 0)),
    "its deletion": await outcomeOf(container.delete()),
    "its creation": await outcomeOf(container.create()),
    "its second creation": await outcomeOf(container.create()),
    "a name that is too short": await outcomeOf(service.getContainerClient("ab").create()),
  };
  return { ...missing, ...(await writes(container)), ...(await lists(container)), "the end": await outcomeOf(container.delete()) };
}

async function writes(container: ContainerClient): Promise<Outcome> {
  const blob = container.getBlockBlobClient("host/hub/group/ownership/0");
  const stale = '"0x8DC000000000001"';
  const shown = ({ metadata, contentLength }: { readonly metadata?: object; readonly contentLength?: number }): unknown => [
    metadata,
    contentLength,
  ];
  const before = {
    "metadata of a blob that is missing": await outcomeOf(blob.setMetadata({ a: "1" })),
    "its properties": await outcomeOf(blob.getProperties()),
    "its content": await outcomeOf(blob.download()),
    "its deletion": await outcomeOf(blob.delete()),
    "metadata under a condition": await outcomeOf(blob.setMetadata({ a: "1" }, { conditions: { ifMatch: stale } })),
    "a write under a condition": await outcomeOf(blob.upload("", 0, { conditions: { ifMatch: stale } })),
    "a creation": await outcomeOf(blob.upload("", 0, { metadata: { ownerid: "me" }, conditions: { ifNoneMatch: "*" } })),
    "a second creation": await outcomeOf(blob.upload("", 0, { conditions: { ifNoneMatch: "*" } })),
  };
  const { etag } = await blob.getProperties();
  const plain = etag!.replaceAll('"', "");
  return {
    ...before,
    "what was created": await outcomeOf(blob.getProperties(), shown),
    "a write with the version": await outcomeOf(blob.setMetadata({ ownerid: "you" }, { conditions: { ifMatch: etag! } })),
    "a write with the former version": await outcomeOf(blob.setMetadata({ ownerid: "me" }, { conditions: { ifMatch: etag! } })),
    "the same without quotation marks": await outcomeOf(blob.setMetadata({ ownerid: "me" }, { conditions: { ifMatch: plain } })),
    "an upload with the former version": await outcomeOf(blob.upload("", 0, { conditions: { ifMatch: etag! } })),
    "a deletion with the former version": await outcomeOf(blob.delete({ conditions: { ifMatch: etag! } })),
    "a look with the former version": await outcomeOf(blob.getProperties({ conditions: { ifMatch: etag! } })),
    "a write with any version": await outcomeOf(blob.setMetadata({ ownerid: "all", x_y: "z" }, { conditions: { ifMatch: "*" } })),
    "what is there": await outcomeOf(blob.getProperties(), shown),
    "an upload without a condition": await outcomeOf(blob.upload("text", 4, { metadata: {} })),
    "what is there then": await outcomeOf(blob.getProperties(), shown),
    "its text": await outcomeOf(blob.downloadToBuffer(), String),
    "an invalid name of metadata": await outcomeOf(blob.setMetadata({ "a-b": "1" })),
    "a deletion": await outcomeOf(blob.delete()),
    "a second deletion": await outcomeOf(blob.delete()),
  };
}

async function lists(container: ContainerClient): Promise<Outcome> {
  for (const name of ["b/2", "b/10", "a", "b", "c/<&>", "b/1"])
    await container.getBlockBlobClient(name).upload("", 0, { metadata: { name: "1" } });
  const all = async (options: Parameters<ContainerClient["listBlobsFlat"]>[0], pageSize: number): Promise<unknown> => {
    const pages: unknown[] = [];
    for await (const { segment } of container.listBlobsFlat(options).byPage({ maxPageSize: pageSize })) {
      pages.push(segment.blobItems.map(({ name, metadata }) => [name, metadata ?? null]));
    }
    return pages;
  };
  const versions: boolean[] = [];
  for await (const { name, properties } of container.listBlobsFlat()) {
    versions.push((await container.getBlobClient(name).getProperties()).etag!.replaceAll('"', "") === properties.etag.replaceAll('"', ""));
  }
  return {
    "all blobs": await all({ includeMetadata: true }, 100),
    "without metadata": await all({}, 100),
    "below a prefix": await all({ prefix: "b/", includeMetadata: true }, 100),
    "in pages": await all({ includeMetadata: true }, 2),
    "below a prefix that nothing has": await all({ prefix: "nothing/" }, 100),
    "versions are those of the blobs": versions,
  };
}
