import java.util.List;
import org.eclipse.rdf4j.federated.FedXConfig;
import org.eclipse.rdf4j.federated.FedXFactory;
import org.eclipse.rdf4j.federated.repository.FedXRepository;

/** RDF4J FedX over the SPARQL endpoints given as arguments, as it comes. */
final class Fedx {
    private Fedx() {}

    public static void main(String[] endpoints) throws Exception {
        // The benchmark ends what takes too long.
        FedXConfig config = new FedXConfig().withEnforceMaxQueryTime(0);
        FedXRepository federation =
                FedXFactory.newFederation().withConfig(config).withSparqlEndpoints(List.of(endpoints)).create();
        federation.init();
        Lines.answer(FedXFactory.class.getPackage().getImplementationVersion(), federation);
    }
}
