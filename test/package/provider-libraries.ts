/**
 * The SDKs, by the adapter's folder, and what emulators are made of, by the emulator's folder. All are optional peers of the package: an
 * application installs those of its provider only.
 */
export const ADAPTER_SDKS: Readonly<Record<string, readonly string[]>> = {
  kafka: ["kafkajs"],
  kinesis: ["@aws-sdk/client-kinesis", "@aws-sdk/client-dynamodb"],
  "event-hubs": ["@azure/event-hubs", "@azure/storage-blob", "@azure/identity"],
  pubsub: ["@google-cloud/pubsub"],
  "oci-streaming": ["oci-common"],
};

export const EMULATOR_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  kinesis: ["dynalite"],
  "event-hubs": ["rhea"],
  pubsub: ["@grpc/grpc-js", "@grpc/proto-loader"],
};
