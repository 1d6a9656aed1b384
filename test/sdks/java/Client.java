import com.fasterxml.jackson.databind.ObjectMapper;
import com.huaweicloud.sdk.core.auth.BasicCredentials;
import com.huaweicloud.sdk.core.exception.ServiceResponseException;
import com.huaweicloud.sdk.oms.v2.OmsClient;
import com.huaweicloud.sdk.oms.v2.model.*;
import com.huaweicloud.sdk.oms.v2.region.OmsRegion;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** The official Java SDK through all eight operations; one line of JSON for each step. */
class Client {
  static final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  static final String endpoint = System.getenv("OMS_ENDPOINT");
  static final String ak = System.getenv("OMS_AK");
  static final String sk = System.getenv("OMS_SK");
  static OmsClient oms;

  static OmsClient client(String secret) {
    var credentials = new BasicCredentials()
        .withAk(ak).withSk(secret).withProjectId(System.getenv("OMS_PROJECT_ID"));
    return OmsClient.newBuilder().withCredential(credentials).withEndpoint(endpoint).build();
  }

  /** Written for Huawei Cloud: the environment alone leads it to the service, where it looks the project up. */
  static OmsClient clientOfRegion() {
    var credentials = new BasicCredentials().withAk(ak).withSk(sk);
    var region = OmsRegion.valueOf(System.getenv("OMS_REGION"));
    return OmsClient.newBuilder().withCredential(credentials).withRegion(region).build();
  }

  static void step(String name, Callable<Object> call) throws Exception {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("step", name);
    try {
      line.put("saw", call.call());
    } catch (ServiceResponseException refused) {
      int requestId = refused.getRequestId() == null ? 0 : refused.getRequestId().length();
      line.put("refused", List.of(refused.getHttpStatusCode(), refused.getErrorCode(), requestId));
      line.put("message", refused.getErrorMsg());
    }
    out.println(new ObjectMapper().writeValueAsString(line));
  }

  static ShowSyncTaskResponse show(String task) {
    var now = String.valueOf(System.currentTimeMillis());
    return oms.showSyncTask(new ShowSyncTaskRequest().withSyncTaskId(task).withQueryTime(now));
  }

  static Object requestsOf(String task, long begin) {
    var told = oms.listSyncTaskStatistic(new ListSyncTaskStatisticRequest()
        .withSyncTaskId(task)
        .withDataType(ListSyncTaskStatisticRequest.DataTypeEnum.REQUEST)
        .withStartTime(String.valueOf(begin))
        .withEndTime(String.valueOf(System.currentTimeMillis())));
    var points = told.getStatisticDatas().get(0).getData();
    return points.stream().mapToLong(point -> point.getStatisticNum()).sum();
  }

  public static void main(String[] args) throws Exception {
    var begin = System.currentTimeMillis();
    oms = client(sk);
    step("list", () -> oms.listSyncTasks(new ListSyncTasksRequest().withLimit(5).withOffset(0)).getCount());
    var task = oms.createSyncTask(new CreateSyncTaskRequest().withBody(new CreateSyncTaskReq()
        .withSrcCloudType("HuaweiCloud").withSrcRegion("cn-north-1").withSrcBucket("source")
        .withSrcAk("a").withSrcSk("b")
        .withDstRegion("cn-north-4").withDstBucket("target")
        .withDstAk("c").withDstSk("d")
        .withDescription("of the SDK, 任务")
        .withEnableKms(false)
        .withConsistencyCheck(CreateSyncTaskReq.ConsistencyCheckEnum.fromValue("transmission"))))
        .getSyncTaskId();
    step("create", () -> {
      var shown = show(task);
      if (shown.getEnableKms()) throw new IllegalStateException("enable_kms");
      return List.of(shown.getDescription(), shown.getConsistencyCheck().getValue(), shown.getStatus().getValue());
    });
    step("list one", () -> oms.listSyncTasks(new ListSyncTasksRequest().withStatus("SYNCHRONIZING"))
        .getTasks().get(0).getSrcBucket());
    step("events", () -> {
      oms.createSyncEvents(new CreateSyncEventsRequest().withSyncTaskId(task).withBody(
          new SyncObjectReq().withObjectKeys(List.of("a%2Fb", "test%2B001.txt", "%E4%B8%AD"))));
      return "done";
    });
    step("statistics", () -> requestsOf(task, begin));
    var start = new StartSyncTaskRequest().withSyncTaskId(task).withBody(new StartSyncTaskReq()
        .withSrcAk("a").withSrcSk("b").withDstAk("c").withDstSk("d"));
    var stop = new StopSyncTaskRequest().withSyncTaskId(task);
    step("start a running one", () -> oms.startSyncTask(start));
    step("stop", () -> {
      oms.stopSyncTask(stop);
      return List.of("done", show(task).getStatus().getValue());
    });
    step("start", () -> {
      oms.startSyncTask(start);
      return List.of("done", show(task).getStatus().getValue());
    });
    oms.stopSyncTask(stop);
    step("delete", () -> {
      oms.deleteSyncTask(new DeleteSyncTaskRequest().withSyncTaskId(task));
      return "done";
    });
    step("show a deleted one", () -> show(task));
    step("wrong secret", () -> client("wrong").listSyncTasks(new ListSyncTasksRequest()).getCount());
    step("look up", () -> clientOfRegion().listSyncTasks(new ListSyncTasksRequest()).getCount());
    System.exit(0); // Its pool of connections would keep it for minutes.
  }
}
