import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import java.util.UUID;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.common.LeaseCleanupConfig;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.leases.LeaseManagementConfig;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * One worker of an application on the Kinesis Client Library. Arguments: the endpoint of Kinesis and DynamoDB, the stream, the application (its table), where
 * it starts (TRIM_HORIZON, LATEST, or AT_TIMESTAMP: and milliseconds), and how long rows of ended shards stay, in milliseconds. It prints what it meets, a line
 * each, separated by tabs, and checkpoints every batch.
 */
public class KclWorker {
  public static void main(String[] args) throws ReflectiveOperationException {
    URI endpoint = URI.create(args[0]);
    String stream = args[1];
    InitialPositionInStreamExtended start = startAt(args[3]);
    long cleanup = Long.parseLong(args[4]);
    var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("any", "any"));
    var http = NettyNioAsyncHttpClient.builder().protocol(Protocol.HTTP1_1).maxConcurrency(100).build();
    var region = Region.US_EAST_1;
    var kinesis = KinesisAsyncClient.builder().endpointOverride(endpoint).region(region).credentialsProvider(credentials).httpClient(http).build();
    var dynamo = DynamoDbAsyncClient.builder().endpointOverride(endpoint).region(region).credentialsProvider(credentials).build();
    var watch = CloudWatchAsyncClient.builder().endpointOverride(endpoint).region(region).credentialsProvider(credentials).build();
    var configs = new ConfigsBuilder(stream, args[2], kinesis, dynamo, watch, UUID.randomUUID().toString(), Processor::new);
    var retrieval = configs.retrievalConfig().retrievalSpecificConfig(new PollingConfig(stream, kinesis).idleTimeBetweenReadsInMillis(200));
    retrieval.initialPositionInStreamExtended(start);
    var coordinator = configs.coordinatorConfig().shardConsumerDispatchPollIntervalMillis(200).parentShardPollIntervalMillis(500);
    var leases = configs.leaseManagementConfig().failoverTimeMillis(3000).shardSyncIntervalMillis(1000).leasesRecoveryAuditorExecutionFrequencyMillis(2000);
    removeEndedAfter(leases, cleanup);
    var metrics = configs.metricsConfig().metricsFactory(new NullMetricsFactory());
    new Scheduler(configs.checkpointConfig(), coordinator, leases, configs.lifecycleConfig(), metrics, configs.processorConfig(), retrieval).run();
  }

  /** The library has no setter for it. */
  private static void removeEndedAfter(LeaseManagementConfig leases, long millis) throws ReflectiveOperationException {
    var field = LeaseManagementConfig.class.getDeclaredField("leaseCleanupConfig");
    field.setAccessible(true);
    field.set(
        leases,
        LeaseCleanupConfig.builder()
            .leaseCleanupIntervalMillis(Math.min(millis, 60_000))
            .completedLeaseCleanupIntervalMillis(millis)
            .garbageLeaseCleanupIntervalMillis(1_800_000)
            .build());
  }

  private static InitialPositionInStreamExtended startAt(String text) {
    String[] parts = text.split(":");
    if (parts.length == 1) return InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.valueOf(text));
    return InitialPositionInStreamExtended.newInitialPositionAtTimestamp(new Date(Long.parseLong(parts[1])));
  }

  private static final class Processor implements ShardRecordProcessor {
    private String shard;

    public void initialize(InitializationInput input) {
      shard = input.shardId();
      print("started", input.extendedSequenceNumber().sequenceNumber());
    }

    public void processRecords(ProcessRecordsInput input) {
      input.records().forEach(each -> print("record", each.partitionKey() + "\t" + StandardCharsets.UTF_8.decode(each.data())));
      if (!input.records().isEmpty()) checkpoint(input.checkpointer());
    }

    public void leaseLost(LeaseLostInput input) {
      print("lost", "");
    }

    public void shardEnded(ShardEndedInput input) {
      checkpoint(input.checkpointer());
      print("ended", "");
    }

    public void shutdownRequested(ShutdownRequestedInput input) {
      checkpoint(input.checkpointer());
    }

    private void checkpoint(RecordProcessorCheckpointer checkpointer) {
      try {
        checkpointer.checkpoint();
      } catch (Exception error) {
        print("failed", error.getClass().getSimpleName());
      }
    }

    private synchronized void print(String what, String details) {
      System.out.println(what + "\t" + shard + "\t" + details);
      System.out.flush();
    }
  }
}
