use super::*;

const XML: &str = r#"<?xml version="1.0"?>
<edmx:Edmx Version="4.01" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
 <edmx:Reference Uri="x"><edmx:Include Alias="Capabilities" Namespace="Org.OData.Capabilities.V1"/></edmx:Reference>
 <edmx:DataServices><Schema Namespace="My.Plm" Alias="Self" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EntityType Name="Item" Abstract="true"><Key><PropertyRef Name="id"/></Key>
   <Property Name="id" Type="Edm.Guid"/></EntityType>
  <EnumType Name="Colour"><Member Name="Red"/></EnumType>
  <TypeDefinition Name="Length" UnderlyingType="Edm.Decimal"/>
  <EntityType Name="Part" BaseType="Self.Item">
   <Property Name="colour" Type="Self.Colour"/>
   <Property Name="length" Type="Self.Length" Precision="9" Scale="variable">
    <Annotation Term="Org.OData.Measures.V1.Unit" String="mm"/></Property>
   <Property Name="mass" Type="Edm.Decimal" Precision="9" Scale="3" Nullable="false"/>
   <Property Name="at" Type="Edm.DateTimeOffset" Precision="7"/>
   <Property Name="tags" Type="Collection(Edm.String)"/>
   <Property Name="address" Type="Self.Address"/>
   <Property Name="owner_a" Type="Edm.Int32"/><Property Name="owner_b" Type="Edm.String"/>
   <NavigationProperty Name="owner" Type="Self.Owner">
    <ReferentialConstraint Property="owner_a" ReferencedProperty="a"/>
    <ReferentialConstraint Property="owner_b" ReferencedProperty="b"/></NavigationProperty>
   <NavigationProperty Name="children" Type="Collection(Self.Part)"/>
  </EntityType>
  <EntityType Name="Owner"><Key><PropertyRef Name="a"/><PropertyRef Name="b"/></Key>
   <Property Name="a" Type="Edm.Int32" Nullable="false"/><Property Name="b" Type="Edm.String" Nullable="false"/>
  </EntityType>
  <EntityContainer Name="Default">
   <EntitySet Name="Parts" EntityType="Self.Part"><NavigationPropertyBinding Path="owner" Target="Owners"/></EntitySet>
   <EntitySet Name="Owners" EntityType="My.Plm.Owner">
    <Annotation Term="Capabilities.TopSupported" Bool="false"/></EntitySet>
  </EntityContainer>
  <Annotations Target="Self.Default/Parts">
   <Annotation Term="Org.OData.Capabilities.V1.FilterRestrictions"><Record>
    <PropertyValue Property="NonFilterableProperties"><Collection><PropertyPath>mass</PropertyPath></Collection></PropertyValue>
    <PropertyValue Property="RequiredProperties"><Collection><PropertyPath>owner_a</PropertyPath></Collection></PropertyValue>
   </Record></Annotation>
   <Annotation Term="Capabilities.SortRestrictions"><Record><PropertyValue Property="Sortable" Bool="false"/></Record></Annotation>
   <Annotation Term="Capabilities.FilterFunctions"><Collection><String>contains</String></Collection></Annotation>
  </Annotations>
 </Schema></edmx:DataServices></edmx:Edmx>"#;

#[test]
fn entity_sets_are_read_with_bases_aliases_and_annotations() {
    let metadata = Metadata::parse(XML).unwrap();
    assert_eq!(metadata.version, "4.01");
    let [parts, owners] = metadata.sets.as_slice() else { panic!("{} sets", metadata.sets.len()) };
    let names: Vec<_> = parts.properties.iter().map(|p| (p.name.as_str(), p.edm_type.as_str())).collect();
    assert_eq!(
        names,
        [
            ("id", "Edm.Guid"),
            ("colour", "My.Plm.Colour"),
            ("length", "Edm.Decimal"),
            ("mass", "Edm.Decimal"),
            ("at", "Edm.DateTimeOffset"),
            ("owner_a", "Edm.Int32"),
            ("owner_b", "Edm.String"),
        ]
    );
    assert_eq!(parts.key, ["id"]);
    assert!(!parts.properties[0].nullable, "a key is never null");
    assert!(parts.properties[1].is_enum);
    assert_eq!((parts.properties[2].scale, parts.properties[2].unit.as_deref()), (None, Some("mm")));
    assert_eq!(parts.navigations.len(), 1);
    assert_eq!(parts.navigations[0].constraints.len(), 2);
    let r = &parts.restrictions;
    assert_eq!((&r.non_filterable[..], &r.required[..]), (&["mass".to_owned()][..], &["owner_a".to_owned()][..]));
    assert!(r.filterable && !r.sortable && r.top && r.has_function("contains") && !r.has_function("startswith"));
    assert!(!owners.restrictions.top && owners.restrictions.sortable);
}

#[test]
fn what_is_not_metadata_is_refused_with_the_reason() {
    let reason = |xml: &str| Metadata::parse(xml).err().map(|e| e.message().to_owned()).unwrap_or_default();
    assert!(reason("<html/>").contains("its root element is html"));
    assert!(reason("<Edmx Version=\"2.0\"/>").contains("version \"2.0\""));
    assert!(reason("nonsense").contains("cannot be read"));
    assert!(reason(&XML.replace("Self.Item\">", "Self.Gone\">")).contains("My.Plm.Gone"));
    let circle = XML.replace("Name=\"Item\" Abstract=\"true\"", "Name=\"Item\" BaseType=\"Self.Part\"");
    assert!(reason(&circle).contains("never end"));
    let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><Edmx Version=\"4.0\">&b;</Edmx>";
    assert!(reason(bomb).contains("cannot be read"));
}
