import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import org.eclipse.rdf4j.query.Binding;
import org.eclipse.rdf4j.query.BindingSet;
import org.eclipse.rdf4j.query.TupleQueryResult;
import org.eclipse.rdf4j.repository.Repository;
import org.eclipse.rdf4j.repository.RepositoryConnection;

/**
 * The protocol between the benchmark and a peer: percent-encoded queries come one a line; what is said is
 * {@code ready VERSION}, {@code ok MILLISECONDS ROWS} or {@code error WHY}, one a line.
 */
final class Lines {
    private Lines() {}

    static void answer(String version, Repository repository) throws IOException {
        say("ready " + version);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            long begun = System.nanoTime();
            try {
                long rows = rows(repository, URLDecoder.decode(line, StandardCharsets.UTF_8));
                say("ok " + (System.nanoTime() - begun) / 1e6 + " " + rows);
            } catch (Exception error) {
                say("error " + cause(error));
            }
        }
        repository.shutDown();
    }

    /** Every term is looked at, as by a client that shows it. */
    private static long rows(Repository repository, String query) {
        long rows = 0;
        long characters = 0;
        try (RepositoryConnection connection = repository.getConnection();
                TupleQueryResult result = connection.prepareTupleQuery(query).evaluate()) {
            while (result.hasNext()) {
                BindingSet row = result.next();
                for (Binding binding : row) characters += binding.getValue().stringValue().length();
                rows += 1;
            }
        }
        if (characters < 0) throw new IllegalStateException("so many characters there are not");
        return rows;
    }

    private static String cause(Throwable error) {
        Throwable deepest = error;
        while (deepest.getCause() != null) deepest = deepest.getCause();
        return deepest.getClass().getSimpleName() + ": " + deepest.getMessage();
    }

    private static void say(String text) {
        String line = text.replaceAll("\\s+", " ");
        System.out.println(line.substring(0, Math.min(line.length(), 300)));
        System.out.flush();
    }
}
