import it.unibz.inf.ontop.injection.OntopSQLOWLAPIConfiguration;
import it.unibz.inf.ontop.rdf4j.repository.OntopRepository;

/** Ontop over the DuckDB database given as the first argument, mapped by the R2RML given as the second. */
final class Ontop {
    private Ontop() {}

    public static void main(String[] arguments) throws Exception {
        OntopSQLOWLAPIConfiguration configuration = OntopSQLOWLAPIConfiguration.defaultBuilder()
                .r2rmlMappingFile(arguments[1])
                .jdbcUrl("jdbc:duckdb:" + arguments[0])
                .jdbcUser("")
                .jdbcPassword("")
                .jdbcDriver("org.duckdb.DuckDBDriver")
                .build();
        OntopRepository repository = OntopRepository.defaultRepository(configuration);
        repository.init();
        Lines.answer(OntopRepository.class.getPackage().getImplementationVersion(), repository);
    }
}
