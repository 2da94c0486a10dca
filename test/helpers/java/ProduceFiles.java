import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes records with Kafka's own client: brokers, topic, key, then `codec:file` or `codec:zeros=bytes` for each. */
public class ProduceFiles {
  public static void main(String[] args) throws Exception {
    for (int index = 3; index < args.length; index += 1) {
      String[] parts = args[index].split(":", 2);
      byte[] value = parts[1].startsWith("zeros=")
          ? new byte[Integer.parseInt(parts[1].substring(6))]
          : Files.readAllBytes(Path.of(parts[1]));
      Properties settings = new Properties();
      settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
      settings.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, parts[0]);
      settings.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 300_000_000);
      settings.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 300_000_000L);
      settings.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
      settings.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
      try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
        producer.send(new ProducerRecord<>(args[1], args[2].getBytes(), value)).get();
      }
    }
  }
}
