package signal

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// ruleSlots are the places of the vector that belong to rules.
const ruleSlots = 64

// rule is one reason that a person can check.
type rule struct {
	slot   uint32
	reason string
	sure   float64 // what it is worth alone; at 0.5 it is a signal by itself
	need   []string
	re     *regexp.Regexp
	lines  bool // it has a place at the start of a line, or a long reach
	on     func(*prepared) bool
}

// gap stands for some words between two others.
const gap = `(?:[^\pL\pN]+[\pL\pN']+){0,5}?[^\pL\pN]+`

// rules returns what is looked for, in plain lower-case text.
func newRules() []*rule {
	re := regexp.MustCompile
	list := []*rule{
		{reason: "tells the reader to ignore its instructions", sure: 0.9, need: f("ignor disregard forget overrid bypass neglect discard"), re: re(`\b(?:ignor(?:e|ing)|disregard|forget|overrid(?:e|ing)|bypass(?:ing)?|neglect|discard|do not follow|stop following)` + gap + `(?:previous|prior|above|earlier|preceding|former|original|initial|all|any|every|your|these|those|system|safety|content)` + gap + `(?:instructions?|prompts?|directions?|directives?|rules?|guidelines?|orders|polic(?:y|ies)|constraints?|restrictions?|programming|filters?)\b`)},
		{reason: "tells the reader to forget what it was told", sure: 0.9, need: f("ignor disregard forget"), re: re(`\b(?:ignore|disregard|forget)(?:[^\pL]+\pL+){0,2}[^\pL]+(?:everything|anything|all|what(?:ever)?|the above)(?:[^\pL]+[\pL']+){0,5}[^\pL]+(?:told|said|instructed|learned|learnt|above|before|written|rules|taught)\b|\bignore the above\b`)},
		{reason: "gives such an order in another language", sure: 0.9, need: f("instru anweisung vorgaben regel befehl reglas órdenes indicaciones consignes règles directives istruzioni regole direttive regras diretrizes polecen инструкц указан правил команд 指 规则 提示 说明 命令 ルール تعليمات أوامر قواعد talimat kural निर्देश आदेश 지시 명령 지침 คำสั่ง คําสั่ง คำแนะ คําแนะ petunjuk aturan hướng chỉ"), re: re(`(?:ignora|olvida|olvídate|descarta|ignorez|oubliez|oublie|ignorier(?:e|en)|vergiss|vergessen sie|missachten?|dimentica|trascura|ignore|esqueça|desconsidere|negeer|vergeet|zignoruj|zapomnij|glöm|ignorera|abaikan|lupakan|bỏ qua|quên)[^\pL]+(?:\pL+[^\pL]+){0,5}(?:instrucciones|reglas|órdenes|indicaciones|consignes|règles|directives|anweisung(?:en)?|vorgaben|regeln|befehle|istruzioni|regole|direttive|instruções|regras|diretrizes|instructies|regels|instrukcje|polecenia|instruktion\pL*|instruksi\pL*|petunjuk|aturan|hướng dẫn|chỉ dẫn)|(?:проигнорируй|игнорируй|игнорировать|забудь|забыть)(?:те)?[^\pL]+(?:\pL+[^\pL]+){0,5}(?:инструкци|указани|правил|команд)\pL*|(?:忽略|无视|忘记|忘掉|無視|忘れて?|不要理会).{0,16}(?:指令|指示|规则|提示|说明|命令|ルール)|(?:指令|指示|以前の命令|前の指示).{0,8}(?:忽略|無視|忘れ)|(?:تجاهل|انس).{0,30}(?:تعليمات|أوامر|قواعد|التعليمات)|önceki[^\pL]+(?:talimat|kural)\pL*|(?:पिछले|पहले के|पिछली).{0,20}(?:निर्देश|आदेश).{0,30}(?:अनदेखा|भूल|नज़रअंदाज)|이전.{0,10}(?:지시|명령|지침).{0,10}(?:무시|잊)|(?:เพิกเฉย|ละเว้น|ลืม).{0,20}(?:คำสั่ง|คําสั่ง|คำแนะนำ|คําแนะนํา)`)}, //nolint:misspell // words of other languages
		{reason: "asks for the instructions of the reader", sure: 0.8, need: f("prompt instruct message initial direct rule told given"), re: re(`\b(?:reveal|print|show|repeat|output|leak|disclose|display|tell me|give me|what (?:is|are|were|was)|summari[sz]e|encode|translate|write out|recite|share|copy|list)` + gap + `(?:(?:system|initial|hidden|original|secret|developer|starting|first|base|core|initiali[sz]ation|internal)[^\pL]+(?:prompts?|messages?|instructions?|directives?|string|rules|guidelines|text)|your[^\pL]+(?:\pL+[^\pL]+){0,2}(?:instructions|prompt|directives|guidelines)|(?:instructions|text) (?:you were|above|that you))`)},
		{reason: "asks for a password or key", sure: 0.35, need: f("password passwort passcode key secret credential token contraseña senha 密码 パスワード пароль 비밀번호 पासवर्ड parol mot รหัสผ่าน sandi mật سر مرور"), re: re(`\b(?:what(?:'s| is| are| was)|tell|give|share|reveal|confirm|show|say|spell|print|write|type|send|disclose|output|encode|know)` + gap + `(?:your|the|our|my|its|user's|system|secret|admin)` + gap + `?(?:password|passcode|passphrase|secret key|secret|api key|access code|credentials|private key)|(?:tu|su) contraseña|(?:votre|ton) mot de passe|(?:dein|ihr|das) passwort|(?:sua|a) senha|la (?:tua )?password|密码|パスワード|парол[ья]|비밀번호|पासवर्ड|şifre|รหัสผ่าน|kata sandi|mật khẩu|كلمة (?:المرور|السر)`)},
		{reason: "gives the reader another role", sure: 0.5, need: f("you pretend act role simulat imagine persona character from"), re: re(`\b(?:you (?:are|will be|shall be)(?: now| going to (?:act|be|pretend|play|simulate)| from now on)|from (?:now on|on now)(?:[^\pL]+\pL+){0,3}[^\pL]+you|(?:i want you to|you (?:will|must|should|are going to|are to)|please|now)[^\pL]+(?:act|pretend|behave|respond|reply|roleplay|role-play|simulate|imitate)[^\pL]+(?:as|to be|like|a|an|that)|immerse yourself into the role|stay in character|in character as|you are to (?:pretend|act|be|play)|enter(?:ing)? (?:\pL+ ){0,3}mode)\b`)},
		{reason: "declares the limits of the reader void", sure: 0.8, need: f("restrict filter uncensored unfiltered limit ethic moral jailb anything guideline amoral illegal refus bound"), re: re(`\b(?:do anything now|jail ?broken|jailbreak (?:mode|prompt|enabled)|uncensored (?:ai|and|mode|chat|respon|answer)|unfiltered (?:and|ai|mode|chat|respon|answer|uncensored)|no (?:\pL+ ){0,2}(?:restrictions|filters?|limits|limitations|censorship|ethical|moral|morals|rules|boundaries)|without (?:any )?(?:\pL+ ){0,3}(?:restrictions|filters?|censorship|limitations|ethical|moral|regard|hesitation)|not (?:bound|restricted|limited|confined) by|free(?:d)? (?:from|of) (?:\pL+ ){0,3}(?:restrictions|limits|rules|confines|constraints)|never (?:refuse|say no|say you can'?t|decline|censor)|amoral|regardless of (?:\pL+ ){0,3}(?:legality|ethic|moral|illegal|consequences)|does(?: not|n't) (?:care|have|follow) (?:\pL+ ){0,4}(?:ethic|moral|rules|guidelines|law|principles)|bypass (?:\pL+ ){0,3}(?:filters?|policies|policy|restrictions|guidelines)|against (?:\pL+ ){0,3}(?:openai|content) (?:polic|guideline))`)},
		{reason: "names a persona of known jailbreaks", sure: 0.8, need: f("dan stan dude aim evil devmode developer god opposite jailbreak mode"), re: re(`\b(?:dan|stan|betterdan|evil-?bot|evil ?bot|mongo ?tom|basedgpt|anti-?dan|chaos-?gpt|dev ?gpt|alphabreak) (?:mode|stands for|is|will|can|has|does)\b|\b(?:dude|aim|maximum|omega|ucar|tuo) (?:mode|stands for)\b|\b(?:developer|dan|god|debug|admin|maintenance|unrestricted|opposite|jailbreak|override|verification) mode\b|(?:\[|\()?(?:🔓|🔒|dan|gpt|classic|jailbreak)(?:\]|\)|:)`)},
		{reason: "speaks to a language model by name", sure: 0.3, need: f("chatgpt gpt openai anthropic claude llama bard gemini bot assistant language"), re: re(`\b(?:chat ?gpt|gpt-?[345o]|openai|anthropic|claude|llama|bard|gemini|language model|chat ?bot|ai (?:assistant|model|language)|llm)\b`)},
		{reason: "forges a turn or mark of the chat", sure: 0.9, need: f("<| [inst [/inst <<sys start_of_turn end_of_turn system assistant human instruction tool_call ## admin>"), re: re(`<\|[a-z_]{2,24}\|>|\[/?inst\]|<</?sys>>|<start_of_turn>|<end_of_turn>|(?:^|\n)#{2,3} ?(?:system|instruction|assistant|human|user|response)\b|(?:^|\n|")(?:system|assistant|human)\s*:\s|<(?:system|system mode|admin|assistant)>|\[system\]|\bbegin system prompt|</?tool_call>|\bsystem (?:override|message|alert|update)\s*:`)},
		{reason: "dictates the words of the answer", sure: 0.3, need: f("answer response reply respond output start begin end say only print format output"), re: re(`\b(?:(?:start|begin|end|finish|preface|prefix|conclude)(?:[^\pL]+\pL+){0,3}[^\pL]+(?:answer|response|reply|sentence|message|output)|respond (?:only )?with|reply (?:only )?with|answer (?:only )?with|only (?:respond|reply|answer|say|output)|say (?:the words?|exactly|only)|your (?:answer|response|reply|output)s? (?:must|should|will|shall)|(?:in|to|of|into|throughout|from) (?:your|the) (?:answer|response|reply|output)\b)`)},
		{reason: "wants code put into another's code", sure: 0.5, need: f("code snippet"), re: re(`\b(?:the )?(?:following|subsequent|below|provided|given|next) (?:code|snippet|block|script|excerpt|fragment)\b|\bcode (?:block|snippet|excerpt|segment|fragment)s? (?:into|in|as|below|seamlessly|within|to)\b`)},
		{reason: "sends data somewhere", sure: 0.6, need: f("http url www webhook"), re: re(`\b(?:send|post|upload|forward|exfiltrate|transmit|submit|append|leak|deliver)(?:[^\pL]+[\pL']+){0,8}[^\pL]+(?:to )?(?:https?://|www\.|webhook)|!\[[^\]]*\]\(https?://[^)]*[?=]|requests?\.(?:post|put)\(|urlopen\(|curl (?:-[a-z] )*(?:-d|--data|https?)|wget https?`)},
		{reason: "sends the person to another address", sure: 0.3, need: f("go visit click reset login .com .xyz"), re: re(`\b(?:tell|ask|convince|persuade|direct|instruct|urge|invite) (?:the )?(?:user|users|reader|readers|customer|them)\b|\b(?:go to|visit|click|log ?in at) [a-z0-9.-]+\.(?:com|xyz|net|org|ru|io)\b`)},
		{reason: "holds an order to run or delete", sure: 0.6, need: []string{"rm -rf", "drop table", "exec(", "<script", "$(", "javascript:", "onerror", "union select", "powershell -", "/bin/", "|sh", "| sh", "|bash", "| bash", "expression(", "sleep(", "__class__", "subprocess", "os.system", "open('/tmp", "'"}, re: re(`<script|javascript:|onerror\s*=|\$\([a-z]+ |'\s*(?:or|and)\s+(?:'?1|if\()|;\s*drop table|\bunion select\b|exec\(|sleep\(\d|__class__|subprocess|os\.system|/bin/(?:ba)?sh|rm -rf|powershell -|\|\s*(?:ba)?sh\b|expression\(|open\('/tmp`)},
		{reason: "asks to decode something", sure: 0.35, need: f("decode decrypt cipher base64 rot13 morse binary hex caesar"), re: re(`\b(?:decode|decipher|decrypt|translate|convert|encode|encrypt)(?:[^\pL]+[\pL0-9']+){0,6}[^\pL]+(?:string|cipher|base64|rot13|morse|binary|hex|caesar|leet|pig latin|message|it)\b`)},
		{reason: "claims an authority over the reader", sure: 0.35, need: f("developer creator maintainer administrator i'm i am god engineer law emergency audit"), re: re(`\bi(?: a|')m (?:\pL+ ){0,3}(?:the|your|a|an) (?:\pL+ ){0,3}(?:developer|creator|maintainer|admin(?:istrator)?|owner|programmer|engineer|boss|supervisor|police|god|accountant|manager|official)\b|\bas (?:an ai|your) (?:developed|created|trained|developer|creator)\b|\blaw enforcement\b|\bsecurity audit\b`)},
		{reason: "wants a verdict changed", sure: 0.8, need: f("benign safe trusted false alert report flag incident finding alarm close suppress whitelist allowlist"), re: re(`\b(?:mark|classify|label|treat|report|consider|set)(?:[^\pL]+[\pL']+){0,4}[^\pL]+(?:as|to)(?:[^\pL]+\pL+){0,2}[^\pL]+(?:benign|safe|harmless|trusted|false positive|resolved|closed|low)\b|\b(?:do not|don'?t|never) (?:\pL+ )?(?:report|alert|flag|escalate|raise|investigate|quarantine)\b|\b(?:close|suppress|dismiss|whitelist|allowlist)(?:[^\pL]+\pL+){0,3}[^\pL]+(?:incident|alert|finding|alarm|case)s?\b`)},
		{reason: "changes the task midway", sure: 0.6, need: f("instead additional task also now new urgent pwned addition"), re: re(`\b(?:instead,? (?:of|please|tell|say|write|do|print|just)|(?:can you|please|just)(?: \pL+){1,8} instead\b|(?:new|additional|immediate|urgent|extra|another) (?:\pL+ )?(?:task|instruction|order|directive|objective|command)s?\b|(?:have been|i'?ve been|ha be) pwn?e?d|now (?:say|print|write|output|translate|english|answer|tell))\b`)},
		{reason: "sets up a fiction to be answered in", sure: 0.35, need: f("hypothetical fictional imagine story pretend suppose scenario play game world"), re: re(`\b(?:hypothetical(?:ly)? (?:\pL+ ){0,2}(?:story|scenario|world|response|situation|question)?|fictional (?:\pL+ ){0,2}(?:story|world|character|scenario|universe|setting)|imagine (?:that |a world|you|if)|let'?s (?:play|say|pretend|imagine|roleplay|suppose)|in a world where|for (?:a|my) (?:novel|story|book|movie))\b`)},
		{reason: "hides characters that are not seen", sure: 0.6, on: func(p *prepared) bool { return p.unseen > 2 && p.unseen*20 > len(p.plain)/10 }},
		{reason: "writes letters of other alphabets among its own", sure: 0.5, on: mixedWords},
		{reason: "carries an encoded text", sure: 0.4, on: encoded},
		{reason: "repeats itself over and over", sure: 0.4, on: repeats},
		{reason: "lays out questions with their answers", sure: 0.3, need: f("q: q. question:"), re: re(`(?s)\bq\s?[:：].{3,200}?\ba\s?[:：].{3,400}\bq\s?[:：]`)},
		{reason: "splits an order into parts", sure: 0.5, need: f("part"), re: re(`\bpart (?:1|one|a)\b.{1,200}\bpart (?:2|two|b)\b|\b(?:combine|concatenate|join|put together)(?: \pL+){0,3} parts?\b`)},
		{reason: "has a comment that a page would not show", sure: 0.4, need: f("<!--"), re: re(`<!--[^>]{0,200}(?:ignore|tell|say|instead|user|reveal|system|declare|ignora|password)`)},
		{reason: "asks for harm", sure: 0.35, need: f("hack malware ransom bomb steal kill drug weapon phish exploit poison fraud meth"), re: re(`\b(?:how (?:to|do i|can i)|ways? to|techniques? (?:for|to)|instructions (?:for|on|to)|methods? (?:for|to)|steps to|write|create|make|build|give me)(?:[^\pL]+[\pL']+){0,6}[^\pL]+(?:malware|ransomware|virus|keylogger|bombs?|explosives?|weapons?|drugs|meth|poison|phishing|fraud|counterfeit|steal|launder|hack(?:ing)? into)\b`)},
	}
	for i, r := range list {
		r.lines = r.re != nil && (strings.Contains(r.re.String(), "^") && strings.Contains(r.re.String(), "(?:^|") || strings.Contains(r.re.String(), ",200}"))
		r.slot = uint32(i)
	}
	return list
}

func f(words string) []string { return strings.Fields(words) }

// matching returns the rules that hold, of those that are sure enough.
func matching(p *prepared, least float64) []*rule {
	var out []*rule
	for _, r := range known() {
		switch {
		case r.sure < least:
		case r.on != nil:
			if r.on(p) {
				out = append(out, r)
			}
		case r.holds(p.plain):
			out = append(out, r)
		}
	}
	return out
}

// reach is how far around one of its words a rule looks, in bytes: it has no
// gap of more than a few words.
const (
	reachBack  = 240
	reachAhead = 400
	maxHits    = 8 // of a word that is met more often the whole is read
)

// holds matches a rule around the words that it needs, so that a long text
// costs little. A rule about lines, or that needs no word, reads the whole.
func (r *rule) holds(text string) bool {
	if len(r.need) == 0 || r.lines {
		return (len(r.need) == 0 || containsAny(text, r.need)) && r.re.MatchString(text)
	}
	hits, done := 0, 0
	for _, w := range r.need {
		for at := 0; ; {
			i := strings.Index(text[at:], w)
			if i < 0 {
				break
			}
			if hits >= maxHits {
				return r.re.MatchString(text)
			}
			at += i + len(w)
			if at <= done {
				continue
			}
			start, end := whole(text, max(0, at-len(w)-reachBack)), whole(text, min(len(text), at+reachAhead))
			if hits++; r.re.MatchString(text[start:end]) {
				return true
			}
			done = at + reachAhead/2
		}
		done = 0
	}
	return false
}

// whole moves a place back to the start of a character.
func whole(text string, at int) int {
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}

func containsAny(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
