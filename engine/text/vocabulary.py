"""Words known beside those of a bundle: requests for a whole mix, emoji, Italian and Chinese, plain words for sound.

Tables only; ``grammar``, ``mix_requests`` and ``known_words`` read them. Texts are spelled as ``normalize`` does.
"""

from __future__ import annotations


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(";"))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What can be asked for in one word, without naming a sound. Each kind in English, German, French, Spanish, Italian,
# Japanese and Chinese.
INSTRUMENTAL = _phrases(
    """
    instrumental; instrumentals; instruments only; only instruments; just instruments; just the instruments; only the
    instruments; music only; only music; only the music; just music; just the music; nur musik; nur die musik; nur
    instrumente; nur die instrumente; seulement la musique; solo musica; solo la musica;
    karaoke; backing track; backing tracks; backing; playback; accompaniment; off
    vocal; minus one; music minus one; inst; instru; backing music; background music; music bed; backing band;
    instrumental part; instrumentalversion; karaokeversion; begleitung; halbplayback;
    instrumentale; bande orchestre; accompagnement; base musical; acompanamiento; pista instrumental; strumentale;
    version instrumentale; version instrumental; base musicale; base strumentale;
    カラオケ; インスト; インストゥルメンタル; 伴奏; オケ; オフボーカル; 卡拉ok; 纯音乐
    """
)
ACAPELLA = _phrases(
    """
    acapella; a cappella; a capella; acappella; accapella; acapela; acapellas; vocals a cappella; studio acapella; a
    capela; アカペラ; 清唱
    """
)
WITHOUT_LEAD = _phrases("tv mix; tv track; tv version")  # for a singer who sings to the backing vocals
REMAINDER = _phrases(
    """
    other; others; rest; remainder; residual; everything else; all the rest; all the others; all others; what is
    left; rest of the song; rest of the mix; rest of the track; rest of the music; rest of the band; other instruments;
    all other instruments; all the other instruments; remaining instruments; other sounds; sonstiges; andere; ubriges;
    der rest; alles andere; ubrige instrumente; reste; le reste; tout le reste;
    autre; autres; les autres; otro; otros; los otros; resto; el resto; lo demas; todo lo demas; il resto; tutto il
    resto; altro; gli altri; その他; 残り; ほかの音; 其他; 其余
    """
)
WHOLE_MIX = _phrases(
    """
    everything; all; all of it; mix; full mix; whole mix; entire mix; original mix; master; music; song; whole song;
    entire song; full song; track; whole track; audio; sound; original; recording; all instruments; all the
    instruments; every instrument; alles; musik; die musik; lied; ganzes lied; das ganze lied; mischung; alle
    instrumente; alle spuren; tout; musique; la musique; chanson; la chanson; morceau; le morceau; mixage; tous les
    instruments; todo; musica; la musica; cancion; la cancion; mezcla; la mezcla; todos los instrumentos; tutto;
    canzone; la canzone; brano; il brano; tutti gli strumenti;
    全部; すべて; 全て; 全体; 音楽; 曲; ミックス; 原曲; 音乐; 歌曲; 所有; 全曲
    """
)
AROUND = _phrases("version; mix; track; stem; file; please; bitte; por favor; s'il vous plait; per favore; thanks")
USUAL_STEMS = ("vocals", "drums", "bass")  # what "the rest" leaves out when nothing else was named

# Further wordings, read before those of the bundle: {x} is what the mix is wanted without.
WITHOUT = {
    "en": _phrases(
        """
        the mix minus the {x}; mix minus the {x}; music minus the {x}; song minus the {x}; track minus the {x};
        minus one {x}; mix without the {x}; song without the {x}; track without the {x}; music without the {x}; the
        song without the {x}; the track without the {x}; the music without the {x}; everything without the {x};
        everything minus the {x}; all except the {x}; all without the {x}; all instruments except the {x}; all
        instruments but the {x}; all the instruments except the {x}; all the instruments but the {x}; the whole mix
        except the {x}; the whole song except the {x}; please remove the {x}; can you remove the {x}; could you
        remove the {x}; delete the {x}; erase the {x}; exclude the {x}; subtract the {x}; filter out the {x}; turn
        off the {x}; kill the {x}; no more {x}; {x} free mix; {x} removed; {x} off; the {x} removed; take out the
        {x}; strip the {x}; strip out the {x}; hide the {x}; silence the {x}; discard the {x}; ditch the {x}; i do not
        want the {x}; i don't want to hear the {x}; i do not want to hear the {x}; don't include the {x}; do not
        include the {x}; everything apart from the {x}; everything aside from the {x}; everything other than the {x};
        everything besides the {x}; everything excluding the {x}; everything that is not the {x}; everything that
        isn't the {x}; everything which is not the {x}; everything else but the {x}; everything else without the {x};
        all else but the {x}; all else except the {x}; all the rest but the {x}; all the rest except the {x}; all apart
        from the {x}; all other than the {x}; anything
        except the {x}; all instruments apart from the {x}; full mix without the {x}; full mix minus the {x}; whole
        mix without the {x}; full song without the {x}; neither {x}; the {x} muted; {x} muted; {x} remover; {x} removal
        """
    ),
    "de": _phrases(
        """
        mix ohne {x}; der mix ohne {x}; musik ohne {x}; die musik ohne {x}; lied ohne {x}; das lied ohne {x}; alles
        ohne {x}; bitte ohne {x}; keine {x}; kein {x}; entferne {x}; lösche {x}; {x} weglassen; {x} rausnehmen; {x}
        raus; {x} weg; {x} stummschalten; {x} löschen; {x} ausblenden; schalte {x} stumm; alles ausser {x}; alles mit
        ausnahme von {x}; ich will {x} nicht; ich möchte {x} nicht hören; ich will {x} nicht hören; weder {x}; nicht
        {x}
        """
    ),
    "fr": _phrases(
        """
        mix sans {x}; le mix sans {x}; musique sans {x}; la musique sans {x}; chanson sans {x}; la chanson sans {x};
        tout sans {x}; enlève {x}; enlevez {x}; retirer {x}; retire {x}; supprime {x}; couper {x}; tout à
        l'exception de {x}; tout hormis {x}; je ne veux pas de {x}; je ne veux pas entendre {x}; aucun {x}; aucune
        {x}; ni {x}; coupez {x}; supprimez {x}; retirez {x}
        """
    ),
    "es": _phrases(
        """
        mezcla sin {x}; la mezcla sin {x}; música sin {x}; la música sin {x}; canción sin {x}; la canción sin {x};
        todo sin {x}; pista sin {x}; quita {x}; elimina {x}; borra {x}; silencia {x}; todo a
        excepción de {x}; no quiero {x}; no quiero oír {x}; excepto {x}; menos {x}; ni {x}; ningún {x}; ninguna {x};
        suprime {x}
        """
    ),
    "it": _phrases(
        """
        senza {x}; tutto tranne {x}; tutto eccetto {x}; tutto senza {x}; mix senza {x}; canzone senza {x}; togli
        {x}; togliere {x}; rimuovi {x}; rimuovere {x}; elimina {x}; tutto meno {x}; niente {x}; né {x}
        """
    ),
    "ja": _phrases(
        """
        {x}を抜いて; {x}を消す; {x}を除く; {x}カット; {x}をカット; {x}をミュート; {x}を取り除いて; {x}を外して;
        {x}なしで;
        {x}抜きで; {x}はいらない; {x}いらない; {x}を除いた全部; {x}なしの曲;
        {x}なしの音源; {x}なしの音楽; {x}なしのミックス; {x}抜きの曲; {x}抜きの音源; {x}抜きのミックス;
        {x}無し; {x}無しの曲; {x}以外のすべて; {x}以外の全て; {x}以外の全部; {x}以外全部
        """
    ),
    "zh": _phrases(
        """
        没有{x}的音乐; 没有{x}; 去掉{x}; 去除{x}; 移除{x}; 删除{x}; 不要{x}; 除了{x}; 无{x}
        """
    ),
}
ALONE = {
    "it": _phrases(
        """
        soltanto {x}; isola {x}; estrai {x}
        """
    ),
    "ja": _phrases(
        """
        {x}を取り出して; {x}のソロ
        """
    ),
    "zh": _phrases(
        """
        只要{x}; 只有{x}; 只听{x}; 仅{x}; 提取{x}; 分离{x}; {x}独奏
        """
    ),
}

ARTICLES = ("il", "lo", "gli", "uno", "i")  # Italian; those that other languages have come with the bundle

# Nouns beside those that bundles bring: noun -> English.
NOUNS = {
    "ja": {"歌": "vocals"},
    "it": {
        "voce": "vocals", "voci": "vocals", "canto": "vocals", "cantante": "vocals", "batteria": "drums",
        "basso": "bass", "basso elettrico": "electric bass", "contrabbasso": "double bass", "chitarra": "guitar",
        "chitarre": "guitar", "chitarra acustica": "acoustic guitar", "chitarra elettrica": "electric guitar",
        "pianoforte": "piano", "tastiera": "keys", "tastiere": "keys", "organo": "organ", "fisarmonica": "accordion",
        "violino": "violin", "violini": "violin", "violoncello": "cello", "archi": "string section",
        "arpa": "harp", "flauto": "flute", "clarinetto": "clarinet", "fagotto": "bassoon", "sassofono": "saxophone",
        "tromba": "trumpet", "trombe": "trumpet", "corno": "french horn", "ottoni": "brass",
        "fiati": "brass", "percussioni": "percussion", "grancassa": "kick", "cassa": "kick",
        "rullante": "snare", "piatti": "cymbals", "coro": "choir", "cori": "backing vocals",
        "sintetizzatore": "synth", "armonica": "harmonica", "campane": "bells",
    },
    "zh": {
        "人声": "vocals", "歌声": "vocals", "唱歌": "vocals", "主唱": "lead vocals", "和声": "backing vocals",
        "合唱": "choir",
        "鼓": "drums", "鼓组": "drums", "架子鼓": "drums", "打击乐": "percussion", "贝斯": "bass", "贝司": "bass",
        "低音": "bass",
        "低音提琴": "double bass", "吉他": "guitar", "木吉他": "acoustic guitar",
        "原声吉他": "acoustic guitar", "电吉他": "electric guitar", "钢琴": "piano", "电钢琴": "electric piano",
        "键盘": "keys", "风琴": "organ", "手风琴": "accordion", "口琴": "harmonica", "小提琴": "violin",
        "中提琴": "viola", "大提琴": "cello", "弦乐": "string section", "竖琴": "harp", "长笛": "flute",
        "笛子": "flute",
        "单簧管": "clarinet", "双簧管": "oboe", "巴松": "bassoon", "萨克斯": "saxophone", "小号": "trumpet",
        "长号": "trombone", "圆号": "french horn", "大号": "tuba", "铜管": "brass", "木管": "woodwinds",
        "合成器": "synth", "古筝": "koto", "钟": "bells", "底鼓": "kick", "军鼓": "snare", "踩镲": "hi-hat",
        "镲": "cymbals", "拍手": "claps", "说话": "speech", "吉它": "guitar", "结他": "guitar", "爵士鼓": "drums",
        "歌手": "vocals", "女声": "vocals", "男声": "vocals", "电贝斯": "electric bass",
    },
}  # fmt: skip

EMOJI = {
    "🎸": "guitar", "🥁": "drums", "🎤": "vocals", "🎙": "vocals", "🎹": "piano", "🎺": "trumpet", "🎷": "saxophone",
    "🎻": "violin", "🪕": "banjo", "🪗": "accordion", "🪘": "percussion", "🪈": "flute", "🪇": "maracas", "🪉": "harp",
    "🔔": "bells", "🛎": "bells", "👏": "claps", "🗣": "speech", "💬": "speech", "📯": "french horn",
    "🎶": "music", "🎵": "music", "🎼": "music",
}  # fmt: skip

# What is written short on mixing desks and in sessions -> in full.
SHORTHAND = {
    "gtr": "guitar", "gtrs": "guitars", "egtr": "electric guitar", "egtrs": "electric guitars", "elec": "electric",
    "e-gtr": "electric guitar", "e-guitar": "electric guitar", "e-guitars": "electric guitars",
    "el. gtr": "electric guitar", "el. guitar": "electric guitar", "agtr": "acoustic guitar",
    "agtrs": "acoustic guitars", "ac gtr": "acoustic guitar", "ac guitar": "acoustic guitar",
    "dist gtr": "distorted guitar", "dist guitar": "distorted guitar", "ld": "lead", "bv": "backing vocals",
    "back vox": "backing vocals", "bg vox": "background vocals", "bg vocal": "background vocal",
    "bg vocals": "background vocals", "ad lib": "backing vocals", "ad libs": "backing vocals",
    "top line": "lead vocals", "voc": "vocals", "vocs": "vocals", "vx": "vocals", "syn": "synth", "syns": "synths",
    "pno": "piano", "tpt": "trumpet", "trpt": "trumpet", "tbn": "trombone", "vln": "violin", "vla": "viola",
    "vlc": "cello", "tamb": "tambourine", "drs": "drums", "tr808": "tr 808", "orch": "orchestra",
}  # fmt: skip

# Names of several sounds, or of what networks take for something else -> what is taken out.
SEPARATED_AS = {
    "rhythm section": "drums and bass", "drum machine": "electronic drums", "drum machines": "electronic drums",
    "drum computer": "electronic drums", "rap vocals": "vocals", "rap vox": "vocals",
}  # fmt: skip

# Names of instruments that stories use for other things, so that a bundle does not list them; as prompts they count.
EVERYDAY_NAMES = _words(
    """
    acoustic alto announcer atmosphere ax axe bd beat beats bell brushes clap clapping claps commentary conversation
    crash crashes dialog dialogue diva drone drum electronics ep hat hats hh interview keys kick kicks lecturer
    lows lyrics
    monologue narration narrator pad pads podcast presenter rap recorder reeds ride sd speaker speaking speech splash
    sub talk talking tele tom traps triangle upright vibe vibes virginal voice voices whistle whistling winds singing
    hi-hat hi-hats
    """
)
MISSPELT_EVERYDAY_NAMES = frozenset({"voice", "voices", "kick", "drum"})  # the others are too like other plain words

# Instruments that a bundle need not list; they count as its names do.
FURTHER_INSTRUMENTS = _phrases(
    """
    autoharp; bagpipe; bagpipes; balalaika; bouzouki; charango; crotales; crumhorn; cuatro; cuica; didgeridoo; dobro;
    duduk; erhu; glass harmonica; gong; gongs; guqin; handpan; hurdy gurdy; jaw harp; kazoo; lap steel; lute; mandolin;
    mandoline; mellotron; melodica; musical saw; ney; orchestra; otamatone; oud; pedal steel; pedal steel guitar; pipa;
    psaltery; rainstick; resonator guitar; shawm; shofar; singing bowl; steel guitar; stylophone; talkbox; theremin;
    tsuzumi; turntable; turntables; vocoder; vuvuzela; washboard
    """
)

# Sounds that are no instruments, so that "rain, thunder" is two of them.
SOUNDS = _words(
    """
    noise noises rain thunder wind water birds traffic crowd applause audience laughter footsteps siren hiss hum buzz
    crackle breath breathing clicks explosion laser effects fx sfx ambience melody chords
    """
)

# What may stand around a wish without meaning anything.
POLITE_BEFORE = _phrases(
    """
    please; can you; could you; would you; will you; can you please; could you please; would you please; i want you to;
    i would like you to; i'd like you to; i need you to; i want to; i need to; i would like to; i'd like to; help me;
    help me to; how do i; how can i; how to; let's; bitte; kannst du; könntest du; kannst du bitte; können sie; können
    sie bitte; ich möchte; ich will; peux-tu; pouvez-vous; tu peux; s'il te plaît; s'il vous plaît; je veux; je
    voudrais; puedes; podrías; por favor; quiero; puoi; potresti; per favore; vorrei
    """
)
POLITE_AFTER = _phrases(
    """
    please; for me; thanks; thank you; now; bitte; danke; s'il te plaît; s'il vous plaît; merci; por favor; gracias;
    per favore; grazie; ください; 下さい; お願いします; お願い; ほしい; 欲しい; 谢谢
    """
)

# Words that say something of a sound, though they name no instrument; a prompt that holds one is no nonsense.
MUSIC_WORDS = _words(
    """
    melody melodies lead leads line lines riff riffs hook hooks groove grooves rhythm rhythms chord chords arpeggio
    arpeggios arp loop loops solo solos motif theme tune tunes phrase fill fills pattern ostinato harmony harmonies
    drop drops intro outro verse chorus bridge noise noises sound sounds effect effects fx sfx ambience ambient room
    reverb echo hiss hum buzz crackle rain thunder wind water birds traffic crowd applause audience laughter
    footsteps steps breath breathing click clicks siren engine explosion laser sample samples texture textures music
    song songs ballad jazz blues rock metal punk pop funk soul disco house techno trance dubstep reggae ska latin
    salsa samba bossa tango waltz march folk country bluegrass classical baroque orchestral symphony quartet trio
    duo band ensemble instrument instruments player musician drummer pianist cellist violinist violist fiddler
    trumpeter saxophonist flautist flutist harpist organist percussionist trombonist clarinetist oboist bassoonist
    timpanist guitarist bassist keyboardist singer soloist low high deep treble mid fretless electric electronic
    acoustic distorted clean bright soft loud quiet muted plucked bowed strummed picked cajon hang omnichord ocarina
    recorder whistle glass saw spoons jug scratch scratches scratching tape vinyl cimbalom bongo vibrato distortion
    pedal synthwave lofi chiptune melodie rhythmus akkorde gerausch gerausche stimme klang larm regen linie bruit
    bruits rythme accords pluie son melodia ritmo acordes ruido lluvia sonido rumore accordi suono メロディ
    メロディー リズム コード 効果音 雑音 旋律 和音 音 音效 噪音 节奏
    """
)

# Plain words that are spelled almost like a name and are no mistake for one.
NO_TYPOS = _words(
    """
    aria baseline basic basis battery bellows board break bring brush buckle card care catch cell chair chance
    change changed changes chapter charge charged chart charts chat check choice choices chop class classes clay
    clear close color congas connect cork corn corner cornered correct core cover fine fire fives floor flush forte
    front gale guest guild harm harms hare harsh keyword kind letter live lore mood moon narrow pause people perch
    permission piece pieces place places plane plant point praise raising rushed sample saved saves scanner setting
    settings share shared shares signer snake snare space spanner spinner spring stage start state still stolen
    store stored storing story strange stranger strand string stripe strong stray sudden table tables tabular temps
    time times tips tone tray tube tubes turn twin valley viable vibrant violate violates violence violent visual
    vocal void wall warm wave vibrato according archive archi arch area backend batching base beam beside best beta
    blocking boss bra bran brand brag char clamp class clip clipping compare concerning conversion converting
    convert cord cross dream dreams drug drugs drunk drink dump file files guilt harmonic kid kids kiss location
    mass mess miss offer order otter pass past path plan plans planet presence present presented presenter record
    recorded records recover sang sending since stat strides syntax taking task tell tile train trans trip trunk
    tumble type vice voiced violation vinyl bank base bowl flat flats float fluff frame grand hair hard heart keep
    note pale peace pearl phase quick rapid ring score sharp ship sick spare speak speed steel strip stuff strike
    tour tower toy tract travel treat tree trial tribe truck trust vector vessel village virus vision vowel grass
    choose chosen organic drama dramas draw draws
    """
)

# Words that carry no meaning of their own; a prompt of nothing else is not known.
FUNCTION_WORDS = _words(
    """
    the and with for from that this these those any all every each its his her our your their into onto over under
    out off not but are was were has have had can could would should will please give get make take hear want need
    only just some one two first second third main of in on at by to is it be me my we you do does
    der die das den dem des ein eine einen und oder mit von aus bei nur bitte mir ich will
    le la les un une des du de et ou avec sans pour dans moi je veux
    el los las una unos unas del al y o con por para sin quiero
    il lo gli uno di da per che
    """
)
