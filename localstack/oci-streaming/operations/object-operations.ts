import { createHash } from "node:crypto";
import { type Answer, type Call, type CallSubject, type Operation, NO_SUBJECT, jsonAnswer } from "../server/call.ts";
import { JsonBody } from "../server/json-body.ts";
import { ServiceError, missingParameter } from "../server/service-error.ts";
import { type Bucket, type StoredObject, type WriteConditions, matches } from "../objects/object-store.ts";
import { listObjects } from "./list-objects.ts";
import { timeText } from "./stream-answers.ts";

const BUCKET = "/n/{namespaceName}/b/{bucketName}";
const OBJECT = `${BUCKET}/o/{objectName+}`;

function bucketOf({ service, path: { namespaceName, bucketName } }: Call): Bucket {
  return service.objects.bucket(namespaceName!, bucketName!);
}

/** An object of a group is about the topic of the group, and about its partition. */
function objectSubject({ service, path: { objectName } }: Call, content: Buffer | null): CallSubject {
  const topic = service.leases.topicOf(objectName!);
  if (topic === null) return NO_SUBJECT;
  const partition = service.leases.partitionOf(objectName!, content);
  return { topics: new Map([[topic, partition === null ? null : [partition]]]), hasGroup: true };
}

const getNamespace: Operation = {
  name: "GetNamespace",
  endpoint: "admin",
  method: "GET",
  path: "/n",
  subjectOf: () => NO_SUBJECT,
  carryOut: ({ service }) => jsonAnswer(service.objects.namespace),
};

const createBucket: Operation = {
  name: "CreateBucket",
  endpoint: "admin",
  method: "POST",
  path: "/n/{namespaceName}/b",
  subjectOf: () => NO_SUBJECT,
  carryOut: ({ service, path, body: bytes }) => {
    if (path["namespaceName"] !== service.objects.namespace)
      throw new ServiceError(404, "NamespaceNotFound", "The namespace does not exist");
    const name = JsonBody.parse(bytes).text("name");
    if (name === null || name === "") throw missingParameter("name");
    const bucket = service.objects.createBucket(name);
    return bucketAnswer(service.objects.namespace, bucket);
  },
};

const getBucket: Operation = {
  name: "GetBucket",
  endpoint: "admin",
  method: "GET",
  path: BUCKET,
  subjectOf: () => NO_SUBJECT,
  carryOut: (call) => bucketAnswer(call.service.objects.namespace, bucketOf(call)),
};

const headBucket: Operation = { ...getBucket, name: "HeadBucket", method: "HEAD" };

function bucketAnswer(namespace: string, { name, etag, createdMs }: Bucket): Answer {
  return jsonAnswer({ namespace, name, etag, timeCreated: timeText(createdMs), storageTier: "Standard", versioning: "Disabled" }, { etag });
}

const putObject: Operation = {
  name: "PutObject",
  endpoint: "admin",
  method: "PUT",
  path: OBJECT,
  mayLeaveBodyUnsigned: true,
  subjectOf: (call) => {
    const { bucketName, objectName } = call.path;
    return { ...objectSubject(call, call.body), name: call.service.leases.callOf(bucketName!, objectName!, call.body) };
  },
  carryOut: (call): Answer => {
    const { headers, body, path } = call;
    const sent = headers["content-md5"];
    const md5 = createHash("md5").update(body).digest("base64");
    if (sent !== undefined && sent !== md5)
      throw new ServiceError(400, "UnmatchedContentMD5", "The Content-MD5 does not match the content");
    const type = headers["content-type"] ?? "application/octet-stream";
    const stored = bucketOf(call).put(path["objectName"]!, body, type, conditionsOf(call));
    return {
      status: 200,
      headers: { etag: stored.etag, "opc-content-md5": md5, "last-modified": new Date(stored.modifiedMs).toUTCString() },
    };
  },
};

function conditionsOf({ headers }: Call): WriteConditions {
  return { ifMatch: headers["if-match"] ?? null, ifNoneMatch: headers["if-none-match"] ?? null };
}

const getObject: Operation = {
  name: "GetObject",
  endpoint: "admin",
  method: "GET",
  path: OBJECT,
  subjectOf: (call) => objectSubject(call, null),
  carryOut: (call): Answer => {
    const object = bucketOf(call).object(call.path["objectName"]!);
    const { ifMatch, ifNoneMatch } = conditionsOf(call);
    if (ifMatch !== null && !matches(ifMatch, object)) {
      throw new ServiceError(412, "IfMatchFailed", "The If-Match header does not match the ETag of the existing entity");
    }
    if (ifNoneMatch !== null && matches(ifNoneMatch, object)) return { status: 304, headers: { etag: object.etag } };
    return { status: 200, headers: objectHeaders(object), body: object.content };
  },
};

const headObject: Operation = { ...getObject, name: "HeadObject", method: "HEAD" };

function objectHeaders({ etag, md5, contentType, modifiedMs, content }: StoredObject): Readonly<Record<string, string>> {
  return {
    etag,
    "content-md5": md5,
    "content-type": contentType,
    "content-length": String(content.length),
    "last-modified": new Date(modifiedMs).toUTCString(),
  };
}

const deleteObject: Operation = {
  name: "DeleteObject",
  endpoint: "admin",
  method: "DELETE",
  path: OBJECT,
  subjectOf: (call) => objectSubject(call, null),
  carryOut: (call): Answer => {
    bucketOf(call).delete(call.path["objectName"]!, { ...conditionsOf(call), ifNoneMatch: null });
    return { status: 204, headers: { "last-modified": new Date(call.service.clock.nowMs).toUTCString() } };
  },
};

export const objectOperations: readonly Operation[] = [
  getNamespace,
  createBucket,
  getBucket,
  headBucket,
  putObject,
  getObject,
  headObject,
  deleteObject,
  listObjects,
];
