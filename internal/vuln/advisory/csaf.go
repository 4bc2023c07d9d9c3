package advisory

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/vuln/cvss"
	"vedette/internal/vuln/schema"
	"vedette/internal/vuln/version"
)

type csafDoc struct {
	Document struct {
		Category     string
		Spec         string `json:"csaf_version"`
		Distribution struct{ TLP struct{ Label string } }
		Title        string
		Lang         string
		SourceLang   string `json:"source_lang"`
		Notes        []csafNote
		References   []csafReference
		Publisher    struct{ Category, Name, Namespace string }
		Tracking     csafTracking
	}
	Tree            csafTree `json:"product_tree"`
	Vulnerabilities []csafVuln
}

type csafNote struct{ Category, Text, Title string }

type csafReference struct{ Category, Summary, URL string }

type csafTracking struct {
	ID       string
	Status   string
	Version  string
	Current  string                                         `json:"current_release_date"`
	Initial  string                                         `json:"initial_release_date"`
	Revision []struct{ Date, Number, LegacyVersion string } `json:"revision_history"`
}

type csafProduct struct {
	Name   string
	ID     string `json:"product_id"`
	Helper struct {
		CPE    string
		PURL   string
		PURLs  []string `json:"purls"` // CSAF 2.1
		Models []string `json:"model_numbers"`
		SKUs   []string
		Hashes []struct {
			FileHashes []struct{ Algorithm, Value string } `json:"file_hashes"`
		}
	} `json:"product_identification_helper"`
}

type csafBranch struct {
	Category, Name string
	Branches       []csafBranch
	Product        *csafProduct
}

type csafRelation struct {
	Category  string
	Product   csafProduct `json:"full_product_name"`
	Reference string      `json:"product_reference"`
	RelatesTo string      `json:"relates_to_product_reference"`
}

type csafTree struct {
	Branches      []csafBranch
	Names         []csafProduct `json:"full_product_names"`
	Relationships []csafRelation
	Paths         []csafPath `json:"product_paths"` // CSAF 2.1
	Groups        []struct {
		ID       string   `json:"group_id"`
		Products []string `json:"product_ids"`
	} `json:"product_groups"`
}

type csafTargets struct {
	Products []string `json:"product_ids"`
	Groups   []string `json:"group_ids"`
}

type csafVuln struct {
	CVE          string
	Title        string
	CWE          *struct{ ID, Name string }
	IDs          []struct{ SystemName, Text string }
	Notes        []csafNote
	References   []csafReference
	Involvements []struct{ Party, Date string }
	Status       map[string][]string `json:"product_status"`
	Flags        []struct {
		Label string
		csafTargets
	}
	Remediations []struct {
		Category, Details, URL string
		csafTargets
	}
	Scores []csafScore
	csafVuln21
	Threats []struct {
		Category, Details string
		csafTargets
	}
}

// csafStatus maps the lists of the format to ours.
var csafStatus = map[string]Status{
	"first_affected": Affected, "known_affected": Affected, "last_affected": Affected,
	"known_not_affected": NotAffected, "first_fixed": Fixed, "fixed": Fixed,
	"under_investigation": Investigating, "recommended": Recommended,
}

func readCSAF(data []byte, doc any, schemas *schema.Set) (*Advisory, error) {
	var d csafDoc
	if csafVersion(doc) == csaf21 {
		if err := readCSAF21(data, &d); err != nil {
			return nil, err
		}
	} else {
		if err := schemas.Check(schema.CSAF20, doc); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &d); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading the CSAF document")
		}
	}
	if err := checkCSAF(&d); err != nil {
		return nil, err
	}
	t := d.Document.Tracking
	a := &Advisory{
		Kind: CSAF, Reader: Reader(CSAF), ID: clip(t.ID, 200), Title: clip(d.Document.Title, 300), Publisher: clip(d.Document.Publisher.Name, 100),
		Rank: ByCSAF, Published: when(t.Initial), Updated: when(t.Current), Spec: clip(d.Document.Spec, 10), TLP: tlpWord(d.Document.Distribution.TLP.Label),
		Withdrawn: d.Document.Category == "csaf_withdrawn" || d.Document.Category == "csaf_superseded",
	}
	if d.Document.Category == "csaf_vex" {
		a.Rank = ByVEX
	}
	for _, r := range d.Document.References {
		a.References = append(a.References, Reference{URL: clip(r.URL, 1000), Tags: tags(r.Category)})
	}
	at, err := a.products(&d.Tree)
	if err != nil {
		return nil, err
	}
	groups := map[string][]string{}
	for _, g := range d.Tree.Groups {
		groups[g.ID] = g.Products
	}
	for i := range d.Vulnerabilities {
		a.Vulnerabilities = append(a.Vulnerabilities, a.csafVuln(&d.Vulnerabilities[i], at, groups, i))
	}
	return a, nil
}

func tags(list ...string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// products flattens the tree and returns the place of each product id.
func (a *Advisory) products(tree *csafTree) (map[string]int, error) {
	at := map[string]int{}
	add := func(id string, p Product) {
		at[id] = len(a.Products)
		a.Products = append(a.Products, p)
	}
	var walk func(list []csafBranch, above Product, said bool)
	walk = func(list []csafBranch, above Product, said bool) {
		for _, b := range list {
			p, said := branchOf(b, above, said)
			if b.Product != nil {
				add(b.Product.ID, leaf(p, b.Product, said))
			}
			walk(b.Branches, p, said)
		}
	}
	walk(tree.Branches, Product{}, false)
	for i := range tree.Names {
		add(tree.Names[i].ID, fullName(&tree.Names[i]))
	}
	for i := range tree.Relationships {
		r := &tree.Relationships[i]
		add(r.Product.ID, related(a, at, r))
	}
	if len(a.Products) > maxProducts {
		return nil, fault.New(fault.Limited, "the advisory has more than %d products", maxProducts)
	}
	return at, nil
}

// branchOf adds what a branch says to what those above it said.
func branchOf(b csafBranch, p Product, said bool) (Product, bool) {
	name := clip(b.Name, 500)
	switch b.Category {
	case "vendor":
		p.Vendor = name
	case "product_name":
		p.Name = name
	case "product_family":
		if p.Name == "" {
			p.Within = name
		}
	case "product_version", "product_version_range":
		p.Versions = version.Parse(b.Name)
		said = true
	case "service_pack", "patch_level":
		if len(p.Versions.Exact) == 1 {
			p.Versions.Exact = []string{p.Versions.Exact[0] + " " + name}
		}
	case "architecture", "host_name", "language", "legacy", "specification":
	}
	return p, said
}

// leaf completes a product at the end of a branch.
func leaf(p Product, full *csafProduct, said bool) Product {
	p.identify(full)
	if p.Name == "" {
		p.Name = clip(full.Name, 500)
	}
	if !said {
		p.Name, p.Versions = splitName(p.Name)
		if p.Versions.Unsaid {
			_, p.Versions = splitName(full.Name)
		}
	}
	if p.Name == "" {
		p.Name = clip(full.Name, 500)
	}
	return p
}

func (p *Product) identify(full *csafProduct) {
	p.PURL = clip(full.Helper.PURL, 500)
	if p.PURL == "" && len(full.Helper.PURLs) > 0 {
		p.PURL = clip(full.Helper.PURLs[0], 500)
	}
	if full.Helper.CPE != "" {
		p.CPEs = []string{clip(full.Helper.CPE, 300)}
	}
	for _, m := range slices.Concat(full.Helper.Models, full.Helper.SKUs) {
		if len(p.Models) < 100 {
			p.Models = append(p.Models, clip(m, 100))
		}
	}
}

// fullName reads a product that stands outside the branches: its name has the
// vendor, the product and the version in one.
func fullName(full *csafProduct) Product {
	p := Product{}
	p.identify(full)
	p.Name, p.Versions = splitName(clip(full.Name, 500))
	if c, ok := ParseCPE(full.Helper.CPE); ok {
		p.Vendor = c.Vendor
		if p.Versions.Unsaid && c.Version != "" {
			p.Versions = version.Set{Exact: []string{c.Version}}
		}
	}
	return p
}

// related is a product inside or on another one: the statement is about it only
// there, which nothing but the other's name can tell.
func related(a *Advisory, at map[string]int, r *csafRelation) Product {
	p := fullName(&r.Product)
	if i, ok := at[r.Reference]; ok {
		own := p
		p = a.Products[i]
		if own.PURL != "" {
			p.PURL = own.PURL
		}
		p.CPEs = append(slices.Clone(p.CPEs), own.CPEs...)
	}
	if i, ok := at[r.RelatesTo]; ok {
		p.Within, p.On = a.Products[i].Name, i+1
		if slices.Contains([]string{"default_component_of", "external_component_of", "installed_on", "installed_with", "optional_component_of"}, r.Category) {
			p.Relation = r.Category
		}
	}
	return p
}

var inName = regexp.MustCompile(`(?i)^(.*?[^\s:])(?::\s*|\s+)((?:all )?(?:versions?|firmware versions?)\b.*|vers:.*|[<>]=?\s*\S.*|(?:prior to|before)\b.*|v?\d+(?:\.\d+)+\S*.*)$`)

// splitName takes the version off the end of a name.
func splitName(name string) (string, version.Set) {
	m := inName.FindStringSubmatch(name)
	if m == nil {
		return name, version.Set{Unsaid: true}
	}
	return strings.TrimSpace(m[1]), version.Parse(m[2])
}

func (a *Advisory) csafVuln(v *csafVuln, at map[string]int, groups map[string][]string, n int) Vulnerability {
	out := Vulnerability{ID: v.CVE, Title: clip(v.Title, 300)}
	for _, id := range v.IDs {
		out.Aliases = append(out.Aliases, clip(id.Text, 100))
	}
	if out.ID == "" && len(out.Aliases) > 0 {
		out.ID = out.Aliases[0]
	}
	if out.ID == "" {
		out.ID = a.ID + "#" + itoa(n+1)
	}
	if v.CWE != nil {
		out.CWE = []string{v.CWE.ID}
	}
	out.news(v, at, groups)
	for _, note := range v.Notes {
		if out.Text == "" && (note.Category == "description" || note.Category == "summary") {
			out.Text = clip(note.Text, maxText)
		}
	}
	for _, r := range v.References {
		out.References = append(out.References, Reference{URL: clip(r.URL, 1000), Tags: tags(r.Category)})
	}
	out.statements(v, at, groups)
	out.advice(v, a.Publisher, at, groups)
	return out
}

// statements reads the lists of products by status, with the reasons of flags.
func (out *Vulnerability) statements(v *csafVuln, at map[string]int, groups map[string][]string) {
	whys := map[int]string{}
	for _, f := range v.Flags {
		for _, p := range targets(f.csafTargets, at, groups) {
			whys[p] = f.Label
		}
	}
	for _, list := range []string{"known_affected", "first_affected", "last_affected", "known_not_affected", "fixed", "first_fixed", "under_investigation", "recommended"} {
		for _, id := range v.Status[list] {
			if p, ok := at[id]; ok {
				out.Statements = append(out.Statements, Statement{p, csafStatus[list], whys[p]})
			}
		}
	}
}

// advice reads what to do, how bad it is, and whether it is exploited.
func (out *Vulnerability) advice(v *csafVuln, publisher string, at map[string]int, groups map[string][]string) {
	for _, r := range v.Remediations {
		out.Remedies = append(out.Remedies, Remedy{
			Kind: r.Category, Text: clip(r.Details, 1000), URL: clip(r.URL, 1000), Fix: fixIn(r.Category, r.Details), Products: targets(r.csafTargets, at, groups),
		})
	}
	for _, s := range v.Scores {
		for _, raw := range []json.RawMessage{s.V4, s.V3, s.V2} {
			if score, ok := scoreOf(raw, cmp.Or(clip(s.Source, 200), publisher)); ok && !slices.Contains(out.Scores, score) {
				out.Scores = append(out.Scores, score)
			}
		}
	}
	for _, t := range v.Threats {
		if t.Category == "exploit_status" {
			out.References = append(out.References, Reference{URL: "", Tags: []string{"exploit_status:" + clip(t.Details, 200)}})
		}
	}
}

func targets(t csafTargets, at map[string]int, groups map[string][]string) []int {
	var out []int
	add := func(ids []string) {
		for _, id := range ids {
			if p, ok := at[id]; ok {
				out = append(out, p)
			}
		}
	}
	add(t.Products)
	for _, g := range t.Groups {
		add(groups[g])
	}
	return out
}

func scoreOf(raw json.RawMessage, source string) (Score, bool) {
	var s struct {
		Version      string
		VectorString string
		BaseScore    float64
		BaseSeverity string
	}
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil || s.VectorString == "" {
		return Score{}, false
	}
	v, err := cvss.Parse(s.VectorString)
	if err != nil {
		return Score{}, false
	}
	if s.BaseSeverity == "" {
		s.BaseSeverity = cvss.Severity(v.Version, s.BaseScore)
	}
	return Score{v.Version, s.VectorString, s.BaseScore, s.BaseSeverity, source}, true
}

var (
	fixWords = regexp.MustCompile(`(?i)\b(?:update|upgrade|upgrading|updating|migrate|install|apply|available in|fixed in|resolved in|corrected in|released)\b[^.;\n]{0,80}?\b(?:to|in|with|version|firmware|install|apply|released)?\s*(?:the |latest |firmware |software |version |release )*((?:v|r)?\d+(?:\.\d+)+\w*(?: (?:sp|update|upd|hf|hotfix|patch)\.? ?\d+)*|v\d+(?: (?:sp|update|upd|hf|hotfix|patch)\.? ?\d+)+)`)
	orLater  = regexp.MustCompile(`(?i)((?:v|r)?\d+(?:\.\d+)+\w*(?: (?:sp|update|upd|hf|hotfix|patch)\.? ?\d+)*|v\d+(?: (?:sp|update|upd|hf|hotfix|patch)\.? ?\d+)*),? (?:or|and) (?:any )?(?:later|newer|higher|above|greater)`)
)

// fixIn finds the version that the text of a vendor's fix names.
func fixIn(kind, text string) string {
	if kind != "vendor_fix" {
		return ""
	}
	text = clip(text, 2000)
	if m := orLater.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	if m := fixWords.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}
