package schema

// The common attributes of every resource (RFC 7643 section 3.1). They belong to
// no schema, so no schema document lists them.
var (
	commonAttributes = common()
	AttrSchemas      = commonAttributes["schemas"]
	AttrID           = commonAttributes["id"]
	AttrExternalID   = commonAttributes["externalId"]
	AttrMeta         = commonAttributes["meta"]
	MetaResourceType = AttrMeta.subs["resourceType"]
	MetaCreated      = AttrMeta.subs["created"]
	MetaLastModified = AttrMeta.subs["lastModified"]
	MetaLocation     = AttrMeta.subs["location"]
	MetaVersion      = AttrMeta.subs["version"]
)

func common() nameIndex {
	// A constant definition: a test says that it compiles.
	_, index, _ := compileAttributes([]*Attribute{
		{Name: "schemas", Type: TypeReference, MultiValued: true, Required: true, ReferenceTypes: []string{"uri"},
			Mutability: ReadOnly, Returned: ReturnedAlways},
		{Name: "id", CaseExact: true, Mutability: ReadOnly, Returned: ReturnedAlways, Uniqueness: UniquenessServer},
		{Name: "externalId", CaseExact: true},
		{Name: "meta", Type: TypeComplex, Mutability: ReadOnly, SubAttributes: []*Attribute{
			{Name: "resourceType", CaseExact: true, Mutability: ReadOnly},
			{Name: "created", Type: TypeDateTime, Mutability: ReadOnly},
			{Name: "lastModified", Type: TypeDateTime, Mutability: ReadOnly},
			{Name: "location", Type: TypeReference, ReferenceTypes: []string{"uri"}, Mutability: ReadOnly},
			{Name: "version", CaseExact: true, Mutability: ReadOnly},
		}},
	}, "", nil)
	return index
}
