// SPDX-License-Identifier: BSD-2-Clause
// Driver.java - what Kafka Connect's own transforms make of records: cases in, one a line; outcomes out, one a line.
//
// Input:  {"transforms": [{"type": "Cast$Value", "config": {...}, "predicate": {"type": ..., "config": {...}},
//          "negate": false}], "records": [a record as weir's format = record has it]}
// Output: an array with an outcome for each record: the record as it is then, null (dropped), or {"error": "..."}.
//
// Records are read, handed through the chain and printed as a worker of a sink connector does with JsonConverter
// (schemas.enable = false) for keys and values, and with its default converter for headers. One thread; ends at the
// end of input, or with a stack trace at what is no case.
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

public class Driver {
    private static final String TRANSFORMS = "org.apache.kafka.connect.transforms.";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    /** A transform, and the predicate that decides which records it gets. */
    private record Stage(Transformation<SinkRecord> transform, Predicate<SinkRecord> predicate, boolean negate) {
        SinkRecord apply(SinkRecord r) {
            return predicate == null || predicate.test(r) != negate ? transform.apply(r) : r;
        }
    }

    private final JsonConverter keys = new JsonConverter(), values = new JsonConverter();
    private final SimpleHeaderConverter headers = new SimpleHeaderConverter();

    private Driver() {
        keys.configure(Map.of("schemas.enable", "false"), true);
        values.configure(Map.of("schemas.enable", "false"), false);
    }

    private static Map<String, String> config(JsonNode part) {
        return JSON.convertValue(part.get("config"), new TypeReference<Map<String, String>>() {});
    }

    private static Object make(String name) throws Exception {
        return Class.forName(name).getDeclaredConstructor().newInstance();
    }

    @SuppressWarnings("unchecked")
    private static Stage stage(JsonNode t) throws Exception {
        Transformation<SinkRecord> transform = (Transformation<SinkRecord>) make(TRANSFORMS + t.get("type").asText());
        transform.configure(config(t));
        Predicate<SinkRecord> predicate = null;
        if (t.has("predicate")) {
            JsonNode p = t.get("predicate");
            predicate = (Predicate<SinkRecord>) make(TRANSFORMS + "predicates." + p.get("type").asText());
            predicate.configure(config(p));
        }
        return new Stage(transform, predicate, t.path("negate").asBoolean());
    }

    private static byte[] bytes(JsonNode text) {
        return text == null || text.isNull() ? null : text.asText().getBytes(StandardCharsets.UTF_8);
    }

    private static JsonNode text(byte[] bytes) {
        return bytes == null ? NODES.nullNode() : NODES.textNode(new String(bytes, StandardCharsets.UTF_8));
    }

    private SinkRecord read(JsonNode r) {
        String topic = r.get("topic").asText();
        ConnectHeaders in = new ConnectHeaders();
        for (JsonNode h : r.path("headers")) {
            String name = h.get(0).asText();
            in.add(name, headers.toConnectHeader(topic, name, bytes(h.get(1))));
        }
        SchemaAndValue key = keys.toConnectData(topic, bytes(r.get("key")));
        SchemaAndValue value = values.toConnectData(topic, bytes(r.get("value")));
        JsonNode time = r.path("timestamp");
        return new SinkRecord(topic, r.get("partition").asInt(), key.schema(), key.value(), value.schema(), value.value(),
            r.get("offset").asLong(), time.isNumber() ? time.asLong() : null,
            time.isNumber() ? TimestampType.CREATE_TIME : TimestampType.NO_TIMESTAMP_TYPE, in);
    }

    private JsonNode print(SinkRecord r) {
        ObjectNode out = NODES.objectNode();
        out.put("topic", r.topic());
        out.put("partition", r.kafkaPartition());
        out.put("offset", r.kafkaOffset());
        out.put("timestamp", r.timestamp());
        out.set("key", text(keys.fromConnectData(r.topic(), r.keySchema(), r.key())));
        out.set("value", text(values.fromConnectData(r.topic(), r.valueSchema(), r.value())));
        ArrayNode list = out.putArray("headers");
        for (Header h : r.headers())
            list.addArray().add(h.key()).add(text(headers.fromConnectHeader(r.topic(), h.key(), h.schema(), h.value())));
        return out;
    }

    private JsonNode outcome(List<Stage> stages, JsonNode record) {
        try {
            SinkRecord r = read(record);
            for (int i = 0; i < stages.size() && r != null; i++)
                r = stages.get(i).apply(r);
            return r == null ? NODES.nullNode() : print(r);
        } catch (RuntimeException e) {
            return NODES.objectNode().put("error", e.toString());
        }
    }

    private ArrayNode run(JsonNode one) throws Exception {
        List<Stage> stages = new ArrayList<>();
        for (JsonNode t : one.get("transforms"))
            stages.add(stage(t));
        ArrayNode out = NODES.arrayNode();
        for (JsonNode record : one.get("records"))
            out.add(outcome(stages, record));
        for (Stage s : stages)
            s.transform().close();
        return out;
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        Driver driver = new Driver();
        for (String line; (line = in.readLine()) != null; )
            out.println(driver.run(JSON.readTree(line)));
        out.flush();
    }
}
