package asset
import ("testing";"os";"strings";"fmt";"context";"time";"vedette/internal/event";"vedette/internal/ingest";"vedette/internal/normalize")
func TestProbe(t *testing.T){
 var fs []ingest.Format
 for _,d:=range normalize.Dialects(){ fs=append(fs,ingest.Format{Name:d.Name,Detect:d.Detect,Open:func(o ingest.Origin) func([]byte,int64,func(*event.Event)) error{ p:=d.New(normalize.Source{ID:o.ID,Name:o.Name,Modified:o.Modified,Now:o.Now}); return func(raw []byte,off int64,emit func(*event.Event)) error{return p.Parse(normalize.Record{Raw:raw,Offset:off},emit)}}})}
 for _,dir:=range strings.Fields(os.Getenv("PROBE")){
  r:=New(Config{AdoptNeighbours: os.Getenv("ADOPT")!=""},testOUI(t),time.Now); files,_:=ingest.Files([]string{dir}); n:=0; var took time.Duration
  for _,f:=range files{ if strings.HasSuffix(f,".pcap"){continue}; ingest.NewReader(fs,time.Now).File(context.Background(),f,"",func(e *event.Event) error{ s:=time.Now(); r.Observe(e); took+=time.Since(s); n++; return nil}) }
  ds:=r.List(); fmt.Println("==",dir,n,"events",len(ds),"devices",took/time.Duration(max(n,1)),"each")
  for i,d:=range ds{ if i>24{break}; fmt.Println("  ",d.Name(),d.NameSource(),d.IPs,d.MACs,"|",d.Value(KeyType),"|",d.Value(KeyVendor),"|",d.Value(KeyModel),d.Value(KeyFirmware),"|",d.Serves,d.Software,d.Gateway)}
 }
}
