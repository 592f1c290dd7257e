import type { GroupName } from "../../src/driver/index.ts";

/** https://docs.oracle.com/iaas/api/#/en/streaming/20180418/datatypes/CreateStreamDetails */
const NAME = /^[A-Za-z0-9._-]{1,255}$/;
const OCID = /^ocid1\.stream\.[a-z0-9-]*\.[a-z0-9-]*(?:\.[a-z0-9-]+)*$/i;

/** @returns why the name cannot be that of a stream, or `null` if it can */
export function refuseTopicName(name: string): string | null {
  if (NAME.test(name)) return null;
  return `a stream's name has 1 to 255 of the characters a-z, A-Z, 0-9, ".", "_" and "-", or is an OCID (ocid1.stream.…); received ${JSON.stringify(name.slice(0, 80))}`;
}

/** Is this the identifier of a stream instead of its name in the pool? */
export function isStreamId(topic: string): boolean {
  return OCID.test(topic);
}

/** A part of the name of an object, which has up to 1,024 bytes: https://docs.oracle.com/en-us/iaas/Content/Object/Tasks/managingobjects.htm */
const GROUP = /^[A-Za-z0-9._-]{1,255}$/;
/** The prefix adopts a group of the service: `group/service-group.ts`. */
const NATIVE_GROUP = /^(?:service:)?[A-Za-z0-9._-]{1,255}$/;

/** @returns why the name cannot be that of a group, or `null` if it can */
export function refuseGroupName({ group, nativeGroup }: GroupName): string | null {
  const name = nativeGroup ?? group;
  const isValid = nativeGroup === undefined ? GROUP.test(group) : NATIVE_GROUP.test(nativeGroup);
  if (isValid && name !== "." && name !== "..") return null;
  const prefix = nativeGroup === undefined ? "" : `, behind "service:" where a group of the service is adopted`;
  return `a group's name has 1 to 255 of the characters a-z, A-Z, 0-9, ".", "_" and "-"${prefix}; received ${JSON.stringify(name.slice(0, 80))}`;
}
