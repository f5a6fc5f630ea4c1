<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>Fluxstem</name>
    <message><source>&amp;Edit</source><translation>&amp;Bearbeiten</translation></message>
    <message><source>&amp;File</source><translation>&amp;Datei</translation></message>
    <message><source>&amp;Help</source><translation>&amp;Hilfe</translation></message>
    <message><source>&amp;Play</source><translation>&amp;Wiedergabe</translation></message>
    <message><source>&amp;View</source><translation>&amp;Ansicht</translation></message>
    <message><source>4096 (safest)</source><translation>4096 (am sichersten)</translation></message>
    <message><source>A change is heard after about {all} ms: {ring} in the buffer, {device} in the device.</source><translation>Eine Änderung ist nach etwa {all} ms zu hören: {ring} im Puffer, {device} im Gerät.</translation></message>
    <message><source>A few words; separate several stems with commas (Ctrl+L)</source><translation>Ein paar Worte; mehrere Stems durch Kommas trennen (Strg+L)</translation></message>
    <message><source>A ready-made set of stems that add up to the mix</source><translation>Ein fertiger Satz von Stems, die zusammen den Mix ergeben</translation></message>
    <message><source>A stem</source><translation>Einen Stem</translation></message>
    <message><source>AIFF ends at 4 GB, which this is longer than; choose --format wav24</source><translation>AIFF endet bei 4 GB, und das hier ist länger; wählen Sie das Format WAV 24 Bit</translation></message>
    <message><source>Add a folder …</source><translation>Ordner hinzufügen …</translation></message>
    <message><source>Add an example</source><translation>Beispiel hinzufügen</translation></message>
    <message><source>Add an example …</source><translation>Beispiel hinzufügen …</translation></message>
    <message><source>Address already in use</source><translation>Adresse bereits belegt</translation></message>
    <message><source>Advanced</source><translation>Erweitert</translation></message>
    <message><source>Any audio or video file. It stays on this machine and is never changed.</source><translation>Jede Audio- oder Videodatei. Sie bleibt auf diesem Rechner und wird nie verändert.</translation></message>
    <message><source>Any machine on this network that knows the token can run jobs on this one, read audio files in your home folder and write results. Use it only on a network you trust.</source><translation>Jeder Rechner in diesem Netz, der das Kennwort kennt, kann auf diesem rechnen lassen, Audiodateien in Ihrem Benutzerordner lesen und Ergebnisse schreiben. Nur in einem Netz benutzen, dem Sie vertrauen.</translation></message>
    <message><source>As it is spelled</source><translation>Wie geschrieben</translation></message>
    <message><source>As named</source><translation>Wie genannt</translation></message>
    <message><source>As the input</source><translation>Wie die Eingabe</translation></message>
    <message><source>Back one second</source><translation>Eine Sekunde zurück</translation></message>
    <message><source>Bit rate</source><translation>Bitrate</translation></message>
    <message><source>Buffer, frames</source><translation>Puffer, Frames</translation></message>
    <message><source>Bundle</source><translation>Modell</translation></message>
    <message><source>Bundles</source><translation>Modelle</translation></message>
    <message><source>Cache limit</source><translation>Grenze des Zwischenspeichers</translation></message>
    <message><source>Cancel</source><translation>Abbrechen</translation></message>
    <message><source>Candidates</source><translation>Varianten</translation></message>
    <message><source>Check again</source><translation>Noch einmal prüfen</translation></message>
    <message><source>Check this machine …</source><translation>Diesen Rechner prüfen …</translation></message>
    <message><source>Choose a task</source><translation>Aufgabe wählen</translation></message>
    <message><source>Choose …</source><translation>Wählen …</translation></message>
    <message><source>Clean</source><translation>Sauber</translation></message>
    <message><source>Clean up now</source><translation>Jetzt aufräumen</translation></message>
    <message><source>Clear</source><translation>Leeren</translation></message>
    <message><source>Clear the selection</source><translation>Auswahl aufheben</translation></message>
    <message><source>Click to remove this example</source><translation>Klicken entfernt dieses Beispiel</translation></message>
    <message><source>Close</source><translation>Schließen</translation></message>
    <message><source>Close this message</source><translation>Meldung schließen</translation></message>
    <message><source>Colour</source><translation>Farbe</translation></message>
    <message><source>Colours of the window</source><translation>Farben des Fensters</translation></message>
    <message><source>Compare with the original (1, 2, 3), solo, mute, loop a region.</source><translation>Mit dem Original vergleichen (1, 2, 3), Solo, Stumm, Bereich wiederholen.</translation></message>
    <message><source>Copy</source><translation>Kopieren</translation></message>
    <message><source>Copy path</source><translation>Pfad kopieren</translation></message>
    <message><source>Copy path of the lane</source><translation>Pfad der Spur kopieren</translation></message>
    <message><source>Correct no word, and refuse none for being unknown</source><translation>Kein Wort berichtigen und keines ablehnen, weil es unbekannt ist</translation></message>
    <message><source>Credits</source><translation>Mitwirkende</translation></message>
    <message><source>DAW bridge</source><translation>DAW-Brücke</translation></message>
    <message><source>Dark</source><translation>Dunkel</translation></message>
    <message><source>Details</source><translation>Einzelheiten</translation></message>
    <message><source>Device</source><translation>Gerät</translation></message>
    <message><source>Device or resource busy</source><translation>Gerät oder Ressource belegt</translation></message>
    <message><source>Directory not empty</source><translation>Ordner nicht leer</translation></message>
    <message><source>Disk quota exceeded</source><translation>Speicherkontingent erschöpft</translation></message>
    <message><source>Drag a lane by its handle into your DAW: it is a real file.</source><translation>Eine Spur am Griff in die DAW ziehen: es ist eine echte Datei.</translation></message>
    <message><source>Drag the file out</source><translation>Datei herausziehen</translation></message>
    <message><source>Drop a mix here</source><translation>Einen Mix hierher ziehen</translation></message>
    <message><source>Drop an example of what to look for. This bundle accepts</source><translation>Ein Beispiel für das Gesuchte hier ablegen. Dieses Modell nimmt</translation></message>
    <message><source>Engine</source><translation>Engine</translation></message>
    <message><source>Engine starts when needed</source><translation>Engine startet bei Bedarf</translation></message>
    <message><source>Every program on this machine, of every user, can send clips and read audio files in your home folder. For plain OSC programs on a machine that is yours alone.</source><translation>Jedes Programm auf diesem Rechner, von jedem Benutzer, kann Clips schicken und Audiodateien in Ihrem Benutzerordner lesen. Für einfache OSC-Programme auf einem Rechner, der nur Ihnen gehört.</translation></message>
    <message><source>Everything audible, as one file</source><translation>Alles Hörbare als eine Datei</translation></message>
    <message><source>Exact (float32)</source><translation>Genau (float32)</translation></message>
    <message><source>Example</source><translation>Beispiel</translation></message>
    <message><source>Examples</source><translation>Beispiele</translation></message>
    <message><source>Examples of what to look for</source><translation>Beispiele für das Gesuchte</translation></message>
    <message><source>Expert</source><translation>Experte</translation></message>
    <message><source>Export</source><translation>Exportieren</translation></message>
    <message><source>Export …</source><translation>Exportieren …</translation></message>
    <message><source>FLAC cannot hold a rate of {rate_hz} Hz (up to 65535, or a multiple of 10 up to {highest_hz}); choose --format wav24</source><translation>FLAC kann {rate_hz} Hz nicht speichern (nur bis 65535, oder ein Vielfaches von 10 bis {highest_hz}); wählen Sie das Format WAV 24 Bit</translation></message>
    <message><source>Fastest available</source><translation>Das schnellste</translation></message>
    <message><source>File format</source><translation>Dateiformat</translation></message>
    <message><source>File name too long</source><translation>Dateiname zu lang</translation></message>
    <message><source>File names</source><translation>Dateinamen</translation></message>
    <message><source>Filtered by the flow model</source><translation>Vom Flussmodell gefiltert</translation></message>
    <message><source>First steps</source><translation>Erste Schritte</translation></message>
    <message><source>Fluxstem ended before {title} was closed; here is its last state</source><translation>Fluxstem wurde beendet, bevor {title} geschlossen war; hier ist der letzte Stand</translation></message>
    <message><source>Folder</source><translation>Ordner</translation></message>
    <message><source>Folder for the files</source><translation>Ordner für die Dateien</translation></message>
    <message><source>Folder of a bundle</source><translation>Ordner eines Modells</translation></message>
    <message><source>For clips that a DAW sent over OSC</source><translation>Für Clips, die eine DAW über OSC geschickt hat</translation></message>
    <message><source>Format</source><translation>Format</translation></message>
    <message><source>Forward one second</source><translation>Eine Sekunde weiter</translation></message>
    <message><source>From noise</source><translation>Von Rauschen</translation></message>
    <message><source>From zeros</source><translation>Von Nullen</translation></message>
    <message><source>Full</source><translation>Voll</translation></message>
    <message><source>Gain</source><translation>Pegel</translation></message>
    <message><source>General</source><translation>Allgemein</translation></message>
    <message><source>Go to the start</source><translation>Zum Anfang</translation></message>
    <message><source>Got it</source><translation>Verstanden</translation></message>
    <message><source>Guidance</source><translation>Prompt-Treue</translation></message>
    <message><source>Guided by</source><translation>Treue gegenüber</translation></message>
    <message><source>Hear the original</source><translation>Original hören</translation></message>
    <message><source>Hear the stems</source><translation>Stems hören</translation></message>
    <message><source>Hear this lane alone (S)</source><translation>Nur diese Spur hören (S)</translation></message>
    <message><source>How far to go from the old sound; double-click for the bundle's default</source><translation>Wie weit weg vom alten Klang; Doppelklick für die Vorgabe des Modells</translation></message>
    <message><source>How many versions, from consecutive seeds; they become takes of one lane, best first</source><translation>Wie viele Fassungen mit aufeinanderfolgenden Startwerten; sie werden Takes einer Spur, die beste zuerst</translation></message>
    <message><source>If it is not heard</source><translation>Wenn es nicht zu hören ist</translation></message>
    <message><source>Image</source><translation>Bild</translation></message>
    <message><source>Images, videos, audio</source><translation>Bilder, Videos, Audio</translation></message>
    <message><source>Input/output error</source><translation>Ein-/Ausgabefehler</translation></message>
    <message><source>Is a directory</source><translation>ist ein Ordner</translation></message>
    <message><source>Isolate</source><translation>Herauslösen</translation></message>
    <message><source>Keep the region and choose another</source><translation>Bereich behalten, noch einen wählen</translation></message>
    <message><source>Keep this region and choose another (Ctrl+R)</source><translation>Diesen Bereich behalten und noch einen wählen (Strg+R)</translation></message>
    <message><source>Kick, snare, hats, cymbals, toms, other</source><translation>Kick, Snare, Hi-Hat, Becken, Toms, Rest</translation></message>
    <message><source>Lane</source><translation>Spur</translation></message>
    <message><source>Lane above</source><translation>Spur darüber</translation></message>
    <message><source>Lane below</source><translation>Spur darunter</translation></message>
    <message><source>Language</source><translation>Sprache</translation></message>
    <message><source>Larger is safer on a busy machine; solo and mute respond just as fast</source><translation>Größer ist sicherer, wenn der Rechner viel zu tun hat; Solo und Stumm bleiben gleich schnell</translation></message>
    <message><source>Licence</source><translation>Lizenz</translation></message>
    <message><source>Light</source><translation>Hell</translation></message>
    <message><source>Loop the region</source><translation>Bereich wiederholen</translation></message>
    <message><source>M4A needs PyAV, which is not installed; choose mp3 or flac, or install it with pip install av</source><translation>für M4A fehlt PyAV; wählen Sie MP3 oder FLAC, oder installieren Sie es mit pip install av</translation></message>
    <message><source>Match</source><translation>Angleichen</translation></message>
    <message><source>More actions for this lane</source><translation>Mehr für diese Spur</translation></message>
    <message><source>Move down</source><translation>Nach unten</translation></message>
    <message><source>Move up</source><translation>Nach oben</translation></message>
    <message><source>Mute</source><translation>Stumm</translation></message>
    <message><source>Mute the lane</source><translation>Spur stumm</translation></message>
    <message><source>Mute this lane (M)</source><translation>Diese Spur stumm (M)</translation></message>
    <message><source>Name</source><translation>Name</translation></message>
    <message><source>Name of the lane</source><translation>Name der Spur</translation></message>
    <message><source>No mix yet</source><translation>Noch kein Mix</translation></message>
    <message><source>No output device found: everything else works, but you will hear nothing.</source><translation>Kein Ausgabegerät gefunden: alles geht, aber nichts ist zu hören.</translation></message>
    <message><source>No sound is in two stems, and one more lane holds what they leave of the mix</source><translation>Kein Klang steckt in zwei Stems, und eine weitere Spur enthält, was sie vom Mix übrig lassen</translation></message>
    <message><source>No space left on device</source><translation>kein Platz mehr auf dem Datenträger</translation></message>
    <message><source>No such file or directory</source><translation>Datei oder Ordner nicht gefunden</translation></message>
    <message><source>None</source><translation>Keiner</translation></message>
    <message><source>Not a directory</source><translation>ist kein Ordner</translation></message>
    <message><source>Of MP3, Ogg Vorbis, Opus and AAC files, in kbit/s</source><translation>Von MP3-, Ogg-Vorbis-, Opus- und AAC-Dateien, in kbit/s</translation></message>
    <message><source>Off</source><translation>Aus</translation></message>
    <message><source>Only this region is processed; click to process everything (Esc)</source><translation>Nur dieser Bereich wird bearbeitet; Klicken bearbeitet alles (Esc)</translation></message>
    <message><source>Open a file …</source><translation>Datei öffnen …</translation></message>
    <message><source>Open a mix or a project</source><translation>Mix oder Projekt öffnen</translation></message>
    <message><source>Open folder of the lane</source><translation>Ordner der Spur öffnen</translation></message>
    <message><source>Open in folder</source><translation>Im Ordner zeigen</translation></message>
    <message><source>Open the demo mix</source><translation>Demo-Mix öffnen</translation></message>
    <message><source>Open this clip here</source><translation>Diesen Clip hier öffnen</translation></message>
    <message><source>Open …</source><translation>Öffnen …</translation></message>
    <message><source>Operation not permitted</source><translation>nicht erlaubt</translation></message>
    <message><source>Order</source><translation>Reihenfolge</translation></message>
    <message><source>Original</source><translation>Original</translation></message>
    <message><source>Output device</source><translation>Ausgabegerät</translation></message>
    <message><source>Permission denied</source><translation>keine Berechtigung</translation></message>
    <message><source>Play both sides equally loud, so that neither seems better just for being louder</source><translation>Beide Seiten gleich laut spielen, damit lauter nicht besser klingt</translation></message>
    <message><source>Play or pause</source><translation>Wiedergabe oder Pause</translation></message>
    <message><source>Play something to see how soon a change is heard.</source><translation>Nach dem ersten Abspielen steht hier, wie schnell eine Änderung zu hören ist.</translation></message>
    <message><source>Playback position</source><translation>Abspielposition</translation></message>
    <message><source>Playback volume; files are not changed</source><translation>Abhörlautstärke; die Dateien bleiben, wie sie sind</translation></message>
    <message><source>Precision</source><translation>Rechengenauigkeit</translation></message>
    <message><source>Programs of yours can send clips and get files back: the scripts that come with Fluxstem, and whatever knows the token in the bridge's folder.</source><translation>Ihre Programme können Clips schicken und Dateien zurückbekommen: die Skripte, die mit Fluxstem kommen, und alles, was das Kennwort im Ordner der Brücke kennt.</translation></message>
    <message><source>Progress</source><translation>Fortschritt</translation></message>
    <message><source>Prompt</source><translation>Prompt</translation></message>
    <message><source>Quit</source><translation>Beenden</translation></message>
    <message><source>Read-only file system</source><translation>Datenträger ist schreibgeschützt</translation></message>
    <message><source>Redo</source><translation>Wiederholen</translation></message>
    <message><source>Regions</source><translation>Bereiche</translation></message>
    <message><source>Remove</source><translation>Entfernen</translation></message>
    <message><source>Remove finished jobs from the list</source><translation>Beendete Aufträge aus der Liste nehmen</translation></message>
    <message><source>Remove from the list</source><translation>Aus der Liste nehmen</translation></message>
    <message><source>Remove lane</source><translation>Spur entfernen</translation></message>
    <message><source>Remove the lane</source><translation>Spur entfernen</translation></message>
    <message><source>Rename …</source><translation>Umbenennen …</translation></message>
    <message><source>Replace even what seems not to be in the mix</source><translation>Auch ersetzen, was im Mix nicht zu sein scheint</translation></message>
    <message><source>Replace it anyway</source><translation>Trotzdem ersetzen</translation></message>
    <message><source>Replace with</source><translation>Ersetzen durch</translation></message>
    <message><source>Report</source><translation>Bericht</translation></message>
    <message><source>Run</source><translation>Ausführen</translation></message>
    <message><source>Run the engine on</source><translation>Engine läuft auf</translation></message>
    <message><source>Same as the system</source><translation>Wie das System</translation></message>
    <message><source>Save</source><translation>Speichern</translation></message>
    <message><source>Save as …</source><translation>Speichern unter …</translation></message>
    <message><source>Save the project</source><translation>Projekt speichern</translation></message>
    <message><source>Say what you want to hear</source><translation>Sagen, was zu hören sein soll</translation></message>
    <message><source>Scroll the timeline</source><translation>In der Zeit blättern</translation></message>
    <message><source>Seconds</source><translation>Sekunden</translation></message>
    <message><source>Seed</source><translation>Startwert</translation></message>
    <message><source>Seed, steps, guidance, candidates, bundle, device and more (Ctrl+.)</source><translation>Startwert, Schritte, Prompt-Treue, Varianten, Modell, Gerät und mehr (Strg+.)</translation></message>
    <message><source>Select all</source><translation>Alles auswählen</translation></message>
    <message><source>Send back to the DAW</source><translation>Zurück an die DAW</translation></message>
    <message><source>Send the lane back to the DAW</source><translation>Spur zurück an die DAW senden</translation></message>
    <message><source>Sensitivity</source><translation>Empfindlichkeit</translation></message>
    <message><source>Sent by a DAW over OSC</source><translation>Von einer DAW über OSC geschickt</translation></message>
    <message><source>Settings</source><translation>Einstellungen</translation></message>
    <message><source>Settings …</source><translation>Einstellungen …</translation></message>
    <message><source>Show the spectrogram</source><translation>Spektrogramm zeigen</translation></message>
    <message><source>Solo</source><translation>Solo</translation></message>
    <message><source>Solo and mute</source><translation>Solo und Stumm</translation></message>
    <message><source>Solo the lane</source><translation>Spur solo</translation></message>
    <message><source>Spectrogram</source><translation>Spektrogramm</translation></message>
    <message><source>Spelling</source><translation>Schreibweise</translation></message>
    <message><source>Start</source><translation>Startpunkt</translation></message>
    <message><source>Stems</source><translation>Stems</translation></message>
    <message><source>Stems together</source><translation>Stem-Satz</translation></message>
    <message><source>Stems, one file each</source><translation>Stems, je eine Datei</translation></message>
    <message><source>Steps</source><translation>Schritte</translation></message>
    <message><source>Strength</source><translation>Stärke</translation></message>
    <message><source>Take</source><translation>Take</translation></message>
    <message><source>Takes effect at the next start</source><translation>Gilt ab dem nächsten Start</translation></message>
    <message><source>Task</source><translation>Aufgabe</translation></message>
    <message><source>Temperature</source><translation>Temperatur</translation></message>
    <message><source>The bundle {bundle} accepts words only; choose another one under Advanced to use examples</source><translation>Das Modell {bundle} nimmt nur Worte; für Beispiele unter „Erweitert“ ein anderes wählen</translation></message>
    <message><source>The mix without the ticked stems</source><translation>Der Mix ohne die angehakten Stems</translation></message>
    <message><source>The model to use; more under Settings</source><translation>Das Modell; mehr in den Einstellungen</translation></message>
    <message><source>The model's own audio</source><translation>Klang des Modells</translation></message>
    <message><source>The prompt</source><translation>Der Prompt</translation></message>
    <message><source>The status line shows what actually ran</source><translation>Die Statuszeile zeigt, worauf wirklich gerechnet wurde</translation></message>
    <message><source>The stem</source><translation>Der Stem</translation></message>
    <message><source>The take to play; all takes are kept. The number says how well it fits, from -1 to 1</source><translation>Welcher Take zu hören ist; alle bleiben erhalten. Die Zahl: wie gut er passt, -1 bis 1</translation></message>
    <message><source>Theme</source><translation>Farbschema</translation></message>
    <message><source>They share the mix</source><translation>Sie teilen sich den Mix</translation></message>
    <message><source>This machine</source><translation>Dieser Rechner</translation></message>
    <message><source>This machine only</source><translation>Nur dieser Rechner</translation></message>
    <message><source>This machine only, without a token</source><translation>Nur dieser Rechner, ohne Kennwort</translation></message>
    <message><source>This network</source><translation>Dieses Netz</translation></message>
    <message><source>Those named</source><translation>Die genannten</translation></message>
    <message><source>Tick all</source><translation>Alle anhaken</translation></message>
    <message><source>Time</source><translation>Zeit</translation></message>
    <message><source>Timeline</source><translation>Zeitachse</translation></message>
    <message><source>Too many open files</source><translation>zu viele offene Dateien</translation></message>
    <message><source>Trained on</source><translation>Trainiert mit</translation></message>
    <message><source>Try again</source><translation>Noch einmal versuchen</translation></message>
    <message><source>Try the demo mix</source><translation>Den Demo-Mix probieren</translation></message>
    <message><source>Type an instrument, such as drum kit, and press Return.</source><translation>Ein Instrument eintippen, etwa Schlagzeug, und Eingabe drücken.</translation></message>
    <message><source>Undo</source><translation>Rückgängig</translation></message>
    <message><source>Use this bundle</source><translation>Dieses Modell benutzen</translation></message>
    <message><source>Verify</source><translation>Prüfen</translation></message>
    <message><source>Vocals, drums, bass, guitar, piano, other</source><translation>Gesang, Schlagzeug, Bass, Gitarre, Klavier, Rest</translation></message>
    <message><source>Vocals, drums, bass, other</source><translation>Gesang, Schlagzeug, Bass, Rest</translation></message>
    <message><source>Vocals, instrumental</source><translation>Gesang, Instrumental</translation></message>
    <message><source>Vocals, other</source><translation>Gesang, Rest</translation></message>
    <message><source>Volume</source><translation>Lautstärke</translation></message>
    <message><source>Waveform</source><translation>Wellenform</translation></message>
    <message><source>Waveform of</source><translation>Wellenform von</translation></message>
    <message><source>Waveform of the mix</source><translation>Wellenform des Mixes</translation></message>
    <message><source>Waveform or spectrogram (W)</source><translation>Wellenform oder Spektrogramm (W)</translation></message>
    <message><source>Waveforms and decoded audio</source><translation>Wellenformen und dekodiertes Audio</translation></message>
    <message><source>What an NVIDIA card computes with: coarser is faster</source><translation>Womit eine NVIDIA-Karte rechnet: gröber ist schneller</translation></message>
    <message><source>What the guidance pushes towards</source><translation>Wohin die Führung drängt</translation></message>
    <message><source>What the others play, if that helps</source><translation>Was die anderen spielen, wenn das hilft</translation></message>
    <message><source>What the stem plays, if that helps</source><translation>Was der Stem spielt, wenn das hilft</translation></message>
    <message><source>What the whole mix sounds like, if that helps</source><translation>Wie der ganze Mix klingt, wenn das hilft</translation></message>
    <message><source>What to do (Ctrl+T)</source><translation>Was zu tun ist (Strg+T)</translation></message>
    <message><source>What to look for</source><translation>Wonach gesucht wird</translation></message>
    <message><source>What to make: a stem, the whole mix, or the rest around a stem (Ctrl+Shift+M)</source><translation>Was entsteht: ein Stem, der ganze Mix oder alles um einen Stem herum (Strg+Umschalt+M)</translation></message>
    <message><source>What to replace it with</source><translation>Wodurch es ersetzt wird</translation></message>
    <message><source>What went wrong</source><translation>Was schiefging</translation></message>
    <message><source>Where playback goes</source><translation>Wohin die Wiedergabe geht</translation></message>
    <message><source>Where to run; the status line says where it really ran</source><translation>Wo gerechnet wird; die Statuszeile zeigt, wo es wirklich lief</translation></message>
    <message><source>Whichever fits the prompt</source><translation>Der zum Prompt passende</translation></message>
    <message><source>Words</source><translation>Worte</translation></message>
    <message><source>Words about the others</source><translation>Worte über die anderen</translation></message>
    <message><source>Words about the whole mix</source><translation>Worte über den ganzen Mix</translation></message>
    <message><source>Words or examples</source><translation>Worte oder Beispiele</translation></message>
    <message><source>Write a prompt</source><translation>Prompt schreiben</translation></message>
    <message><source>Your jobs appear here, and so do those your DAW sends over OSC.</source><translation>Hier erscheinen Ihre Aufträge und die, die Ihre DAW über OSC schickt.</translation></message>
    <message><source>Your own audio, filtered</source><translation>Ihr Audio, gefiltert</translation></message>
    <message><source>Zoom in</source><translation>Vergrößern</translation></message>
    <message><source>Zoom out</source><translation>Verkleinern</translation></message>
    <message><source>a Fluxstem bridge is running already: process {pid} ({owner}) on UDP port {udp_port}, TCP port {tcp_port}; use that one, or stop it first</source><translation>es läuft schon eine Fluxstem-Brücke: Prozess {pid} ({owner}), UDP-Port {udp_port}, TCP-Port {tcp_port}; benutzen Sie diese, oder beenden Sie sie zuerst</translation></message>
    <message><source>a bridge that is open to the network needs a token of at least {shortest} bytes; write one into a file and give it with --token-file</source><translation>eine Brücke, die für das Netz offen ist, braucht ein Kennwort von mindestens {shortest} Bytes; schreiben Sie eines in eine Datei, und geben Sie sie mit --token-file an</translation></message>
    <message><source>a bundle {name} is installed in {there}, and would be found first; give another --name</source><translation>ein Modell {name} ist in {there} installiert und würde zuerst gefunden; wählen Sie einen anderen Namen</translation></message>
    <message><source>a bundle {name} was added before; give --replace, or another --name</source><translation>ein Modell {name} wurde schon hinzugefügt; ersetzen Sie es, oder wählen Sie einen anderen Namen</translation></message>
    <message><source>a few words</source><translation>ein paar Worte</translation></message>
    <message><source>a message is a {kind}; send one JSON object a line</source><translation>eine Nachricht ist ein {kind}; senden Sie ein JSON-Objekt je Zeile</translation></message>
    <message><source>a message is not JSON ({error}); send one JSON object a line</source><translation>eine Nachricht ist kein JSON ({error}); senden Sie ein JSON-Objekt je Zeile</translation></message>
    <message><source>a quality of {quality} kbit/s was asked for, and {format} loses nothing; leave the quality out, or choose mp3, ogg, opus or m4a</source><translation>verlangt sind {quality} kbit/s, aber {format} arbeitet verlustfrei; lassen Sie die Qualität weg, oder wählen Sie MP3, Ogg, Opus oder M4A</translation></message>
    <message><source>a region was given twice, as one and in a list; give it once</source><translation>ein Bereich ist doppelt angegeben, einzeln und in einer Liste; geben Sie ihn einmal an</translation></message>
    <message><source>a request is an object with the keys of Request, got a {kind}</source><translation>ein Auftrag ist ein Objekt mit den Schlüsseln von Request, nicht ein {kind}</translation></message>
    <message><source>a request needs a task, prompts and a region of two numbers ({error})</source><translation>ein Auftrag braucht eine Aufgabe, Prompts und einen Bereich aus zwei Zahlen ({error})</translation></message>
    <message><source>added file</source><translation>hinzugefügte Datei</translation></message>
    <message><source>all new</source><translation>ganz neu</translation></message>
    <message><source>all of them</source><translation>alle um</translation></message>
    <message><source>announcing needs the zeroconf package; install fluxstem[osc]</source><translation>um sich im Netz anzukündigen, fehlt das Paket zeroconf; installieren Sie fluxstem[osc]</translation></message>
    <message><source>another Fluxstem bridge of yours is just starting; wait for it, or stop it</source><translation>eine andere Fluxstem-Brücke von Ihnen startet gerade; warten Sie auf sie, oder beenden Sie sie</translation></message>
    <message><source>anyway</source><translation>Trotzdem ersetzen</translation></message>
    <message><source>audio files</source><translation>Audiodateien</translation></message>
    <message><source>autosave failed ({reason}); make room in {folder}, or save often</source><translation>das automatische Speichern geht nicht ({reason}); schaffen Sie Platz in {folder}, oder speichern Sie oft</translation></message>
    <message><source>balance of words and examples: 0 follows only the words, 1 only the examples</source><translation>Gewicht von Worten und Beispielen: 0 folgt nur den Worten, 1 nur den Beispielen</translation></message>
    <message><source>batch_windows</source><translation>Fenster auf einmal</translation></message>
    <message><source>nothing sounds in {place}, so there is no line to play again; choose a part that sounds, or take {task} for a new one</source><translation>in {place} klingt nichts, also gibt es keine Linie, die noch einmal gespielt werden könnte; wählen Sie einen Teil, der klingt, oder nehmen Sie {task} für eine neue</translation></message>
    <message><source>it ended the engine's process when {graph} was tried on it; it is tried again after a day</source><translation>beim Versuch mit {graph} hat es den Prozess der Engine beendet; nach einem Tag wird es wieder versucht</translation></message>
    <message><source>{graph} cannot be read ({reason})</source><translation>{graph} ist nicht lesbar ({reason})</translation></message>
    <message><source>{device} was not used: {reason}</source><translation>{device} wurde nicht benutzt: {reason}</translation></message>
    <message><source>{count} of {every} large operations of {graph} run on the CPU ({operators}), because {device} did not take them</source><translation>{count} von {every} großen Operationen von {graph} laufen auf der CPU ({operators}), weil {device} sie nicht übernommen hat</translation></message>
    <message><source>{device} has too little free memory ({reason}); the CPU is used until the engine is started anew</source><translation>{device} hat zu wenig freien Speicher ({reason}); bis zum nächsten Start der Engine rechnet die CPU</translation></message>
    <message><source>{prompt} is not heard in {place} (presence {presence:.2f} of 1), so nothing was replaced; name what does play there, or add --anyway to have {new} in its place all the same</source><translation>{prompt} ist in {place} nicht zu hören (Präsenz {presence:.2f} von 1), daher wurde nichts ersetzt; nennen Sie, was dort spielt, oder wählen Sie „Trotzdem ersetzen“, um dennoch {new} an die Stelle zu setzen</translation></message>
    <message><source>{reason}; everything was computed in float32</source><translation>{reason}; alles wurde in float32 gerechnet</translation></message>
    <message><source>TensorRT's engines are being built in the background; CUDA answers until then</source><translation>TensorRTs Maschinen werden im Hintergrund gebaut; bis dahin rechnet CUDA</translation></message>
    <message><source>TensorRT's engines are being built in the background, {done} of {count} are ready; CUDA answers until then</source><translation>TensorRTs Maschinen werden im Hintergrund gebaut, {done} von {count} sind fertig; bis dahin rechnet CUDA</translation></message>
    <message><source>the device broke down once in this job, which then began anew in another process</source><translation>das Gerät ist bei diesem Auftrag einmal ausgefallen, der dann in einem anderen Prozess neu begann</translation></message>
    <message><source>ONNX Runtime gave {provider} instead; its libraries do not load</source><translation>ONNX Runtime gab stattdessen {provider}; die Bibliotheken lassen sich nicht laden</translation></message>
    <message><source>it takes no node of {graph}</source><translation>es übernimmt keinen Knoten von {graph}</translation></message>
    <message><source>its first run failed: {reason}</source><translation>der erste Durchlauf schlug fehl: {reason}</translation></message>
    <message><source>its {output} of {graph} differs from the CPU's by {error} %, and {allowed} % is allowed</source><translation>sein {output} von {graph} weicht um {error} % von dem der CPU ab, erlaubt sind {allowed} %</translation></message>
    <message><source>{device} does not compute with {precision}, but with {known}</source><translation>{device} rechnet nicht mit {precision}, sondern mit {known}</translation></message>
    <message><source>the NVIDIA driver's {library} cannot be loaded</source><translation>{library} des NVIDIA-Treibers lässt sich nicht laden</translation></message>
    <message><source>building TensorRT engines: {done} of {count}</source><translation>TensorRT-Maschinen werden gebaut: {done} von {count}</translation></message>
    <message><source>CUDA answers until they are ready</source><translation>Bis sie fertig sind, rechnet CUDA</translation></message>
    <message><source>building the TensorRT engine; this takes minutes the first time</source><translation>baut die TensorRT-Engine, was beim ersten Mal Minuten dauert</translation></message>
    <message><source>bundle</source><translation>Modell</translation></message>
    <message><source>bundle {folder} cannot be read ({reason}); check that it may be read</source><translation>das Modell {folder} lässt sich nicht lesen ({reason}); prüfen Sie die Zugriffsrechte</translation></message>
    <message><source>bundle {name} has no text encoder; choose another bundle</source><translation>das Modell {name} versteht keine Worte; wählen Sie ein anderes</translation></message>
    <message><source>bundle {name}: {file} differs from its hash; get the bundle again</source><translation>Modell {name}: {file} stimmt nicht mit seiner Prüfsumme überein; laden Sie das Modell neu herunter</translation></message>
    <message><source>bundle {name}: {file} is missing; get the bundle again</source><translation>Modell {name}: {file} fehlt; laden Sie das Modell neu herunter</translation></message>
    <message><source>bundle {name}: {manifest} differs from its hash; get the bundle again</source><translation>Modell {name}: {manifest} stimmt nicht mit seiner Prüfsumme überein; laden Sie das Modell neu herunter</translation></message>
    <message><source>cache</source><translation>Zwischenspeicher</translation></message>
    <message><source>cache size</source><translation>Größe des Zwischenspeichers</translation></message>
    <message><source>cancelled</source><translation>abgebrochen</translation></message>
    <message><source>candidates</source><translation>Varianten</translation></message>
    <message><source>cannot keep a copy of {file} in {folder} ({reason}); make room on that disk and open it again</source><translation>von {file} lässt sich in {folder} keine Kopie behalten ({reason}); schaffen Sie auf dieser Platte Platz, und öffnen Sie es noch einmal</translation></message>
    <message><source>cannot write to the cache {folder} ({reason}); make room</source><translation>in den Zwischenspeicher {folder} lässt sich nicht schreiben ({reason}); schaffen Sie Platz</translation></message>
    <message><source>cannot write to {folder} ({reason}); choose another folder</source><translation>in {folder} lässt sich nicht schreiben ({reason}); wählen Sie einen anderen Ordner</translation></message>
    <message><source>cannot write to {folder} ({reason}); make room and try again</source><translation>in {folder} lässt sich nicht schreiben ({reason}); schaffen Sie Platz, und versuchen Sie es noch einmal</translation></message>
    <message><source>cannot write to {folder} ({reason}); make room or choose another folder</source><translation>in {folder} lässt sich nicht schreiben ({reason}); schaffen Sie Platz, oder wählen Sie einen anderen Ordner</translation></message>
    <message><source>cannot write to {folder} ({reason}); make room there</source><translation>in {folder} lässt sich nicht schreiben ({reason}); schaffen Sie dort Platz</translation></message>
    <message><source>cannot write to {folder} ({reason}); make room there or choose another folder</source><translation>in {folder} lässt sich nicht schreiben ({reason}); schaffen Sie dort Platz, oder wählen Sie einen anderen Ordner</translation></message>
    <message><source>cannot write to {out}: {there} is not a folder; choose another folder</source><translation>in {out} lässt sich nicht schreiben: {there} ist kein Ordner; wählen Sie einen anderen</translation></message>
    <message><source>cannot write to {out}: {there} may not be written to; choose another folder</source><translation>in {out} lässt sich nicht schreiben: für {there} fehlt die Berechtigung; wählen Sie einen anderen Ordner</translation></message>
    <message><source>change a colour</source><translation>Farbe ändern</translation></message>
    <message><source>channels</source><translation>Kanäle</translation></message>
    <message><source>checking …</source><translation>prüfe …</translation></message>
    <message><source>condition to guide by</source><translation>Prompt-Treue gilt</translation></message>
    <message><source>decoded audio does not add up to the mix; choose the render masked or flow</source><translation>der Klang des Modells ergibt zusammen nicht den Mix; wählen Sie Ihr Audio, gefiltert</translation></message>
    <message><source>decoded audio has no mask to be sensitive with; choose the render masked or flow</source><translation>beim Klang des Modells gibt es keine Maske und damit keine Empfindlichkeit; wählen Sie Ihr Audio, gefiltert</translation></message>
    <message><source>device</source><translation>Gerät</translation></message>
    <message><source>device {device} cannot be used: {reason}; choose --device auto or cpu</source><translation>das Gerät {device} lässt sich nicht benutzen: {reason}; wählen Sie das schnellste verfügbare oder die CPU</translation></message>
    <message><source>done</source><translation>fertig</translation></message>
    <message><source>e.g. piano and drums</source><translation>z. B. Klavier, Bass</translation></message>
    <message><source>e.g. slow jazz trio</source><translation>z. B. langsames Jazztrio</translation></message>
    <message><source>e.g. violin</source><translation>z. B. Geige</translation></message>
    <message><source>example</source><translation>Beispiel</translation></message>
    <message><source>example_weight</source><translation>Worte oder Beispiele</translation></message>
    <message><source>examples</source><translation>Beispiele</translation></message>
    <message><source>expert</source><translation>Experte</translation></message>
    <message><source>experts answer with masks; choose the render masked, or leave the expert out</source><translation>Experten liefern Masken; wählen Sie Ihr Audio, gefiltert, oder keinen Experten</translation></message>
    <message><source>failed</source><translation>fehlgeschlagen</translation></message>
    <message><source>file format of the results</source><translation>Dateiformat der Ergebnisse</translation></message>
    <message><source>file written</source><translation>Datei geschrieben</translation></message>
    <message><source>files written</source><translation>Dateien geschrieben</translation></message>
    <message><source>float16 needs a package that is not installed ({reason}); install fluxstem[half], or choose --precision float32 or tf32</source><translation>float16 braucht ein Paket, das nicht installiert ist ({reason}); installieren Sie fluxstem[half], oder wählen Sie die Rechengenauigkeit float32 oder TF32</translation></message>
    <message><source>format</source><translation>Dateiformat</translation></message>
    <message><source>guidance</source><translation>Prompt-Treue</translation></message>
    <message><source>how many seconds to make</source><translation>wie viele Sekunden entstehen sollen</translation></message>
    <message><source>how much of what is in doubt goes to the stem: 0 for the cleanest, 1 for the fullest</source><translation>wie viel vom Zweifelhaften der Stem bekommt: 0 am saubersten, 1 am vollsten</translation></message>
    <message><source>how strictly to follow the prompt: 0 not at all, 1 as the model does by itself, more is stricter</source><translation>wie streng dem Prompt gefolgt wird: 0 gar nicht, 1 wie das Modell von sich aus, darüber strenger</translation></message>
    <message><source>images</source><translation>Bilder</translation></message>
    <message><source>input</source><translation>Eingangsdatei</translation></message>
    <message><source>internal error ({kind}: {error}); please report it with the log of --debug</source><translation>interner Fehler ({kind}: {error}); bitte melden Sie ihn mit dem Protokoll von --debug</translation></message>
    <message><source>internal error ({words}); please report it with the log</source><translation>interner Fehler ({words}); bitte melden Sie ihn mit dem Protokoll</translation></message>
    <message><source>keep_order</source><translation>Reihenfolge</translation></message>
    <message><source>left</source><translation>verbleibend</translation></message>
    <message><source>level of the noise that new sound starts from: lower is safer, higher is wilder, 1 is as in training</source><translation>Pegel des Rauschens, aus dem neuer Klang entsteht: weniger ist sicherer, mehr ist wilder, 1 ist wie im Training</translation></message>
    <message><source>literal</source><translation>Wörtlich</translation></message>
    <message><source>make the stems in the order given, instead of drums, bass, harmony, lead</source><translation>die Stems in der angegebenen Reihenfolge machen statt erst Schlagzeug, dann Bass, Harmonie, Melodie</translation></message>
    <message><source>masked: your own audio, filtered; flow: filtered as the flow model hears it; decoded: the model's own audio</source><translation>Ihr Audio, gefiltert von der Maske oder vom Flussmodell, oder der Klang des Modells</translation></message>
    <message><source>mix</source><translation>Mix</translation></message>
    <message><source>mix_prompt</source><translation>Worte über den ganzen Mix</translation></message>
    <message><source>mono</source><translation>mono</translation></message>
    <message><source>mute</source><translation>stumm</translation></message>
    <message><source>name</source><translation>Name</translation></message>
    <message><source>name of the files; {mix}, {stem}, {task}, {region}, {n} and {part} are filled in</source><translation>Name der Dateien; {mix}, {stem}, {task}, {region}, {n} und {part} werden eingesetzt</translation></message>
    <message><source>networks can be allowed only in LAN mode; add --lan or leave --allow out</source><translation>Netze lassen sich nur im LAN-Betrieb zulassen; geben Sie auch --lan an, oder lassen Sie --allow weg</translation></message>
    <message><source>no ONNX Runtime is installed ({reason}); install fluxstem[cpu], or fluxstem[gpu] for NVIDIA cards</source><translation>ONNX Runtime ist nicht installiert ({reason}); installieren Sie fluxstem[cpu], oder fluxstem[gpu] für NVIDIA-Karten</translation></message>
    <message><source>no bundle at {folder}; a bundle is a folder with a {manifest}</source><translation>in {folder} ist kein Modell; ein Modell ist ein Ordner mit einer {manifest}</translation></message>
    <message><source>no bundle at {path}; give the folder of one, or a zip file</source><translation>bei {path} ist kein Modell; geben Sie den Ordner eines Modells an, oder eine Zip-Datei</translation></message>
    <message><source>no bundle at {where}; a bundle is a folder with a {manifest}</source><translation>in {where} ist kein Modell; ein Modell ist ein Ordner mit einer {manifest}</translation></message>
    <message><source>no bundle {name!r} in {folder}</source><translation>kein Modell {name!r} in {folder}</translation></message>
    <message><source>no bundle {name!r} in {folder}; {there} was not added with this command</source><translation>kein Modell {name!r} in {folder}; {there} wurde nicht mit diesem Befehl hinzugefügt</translation></message>
    <message><source>no bundle {name!r}, and none is installed; give the path of a bundle folder, or set {variable}</source><translation>kein Modell {name!r}, und keines ist installiert; geben Sie den Ordner eines Modells an, oder setzen Sie {variable}</translation></message>
    <message><source>no bundle {name!r}; installed are {installed}; name an installed one, give the path of a bundle folder, or set {variable}</source><translation>kein Modell {name!r}; installiert sind: {installed}; nennen Sie eines davon, geben Sie den Ordner eines Modells an, oder setzen Sie {variable}</translation></message>
    <message><source>no port from {port} on is free ({why}); choose another with --port</source><translation>ab {port} ist kein Port frei ({why}); wählen Sie einen anderen</translation></message>
    <message><source>no prompt given; say in a few words what to look for, for example violin</source><translation>es fehlt ein Prompt; sagen Sie in ein paar Worten, was gesucht wird, etwa Geige</translation></message>
    <message><source>no stem is selected; tick at least one</source><translation>kein Stem ist gewählt; haken Sie mindestens einen an</translation></message>
    <message><source>nothing is audible; unmute a lane first</source><translation>es ist nichts zu hören; heben Sie zuerst eine Stummschaltung auf</translation></message>
    <message><source>null</source><translation>Null</translation></message>
    <message><source>number of sampler steps</source><translation>Zahl der Sampler-Schritte</translation></message>
    <message><source>one prompt asks for something alone and another for something to be left out, which do not add up; ask for them in two calls</source><translation>ein Prompt verlangt etwas allein, ein anderer will etwas weglassen, und zusammen ergibt das nicht den Mix; machen Sie daraus zwei Aufträge</translation></message>
    <message><source>one stem per name, e.g. drums, bass, piano</source><translation>ein Stem je Name, etwa Schlagzeug, Bass, Klavier</translation></message>
    <message><source>opening the bundle</source><translation>öffnet das Modell</translation></message>
    <message><source>opening this file needs {needed} MB in {folder}, and {free} MB are free; clean the cache in the settings or make room</source><translation>diese Datei zu öffnen braucht {needed} MB in {folder}, und {free} MB sind frei; räumen Sie in den Einstellungen den Zwischenspeicher auf, oder schaffen Sie Platz</translation></message>
    <message><source>or</source><translation>oder</translation></message>
    <message><source>other</source><translation>Alles andere</translation></message>
    <message><source>out</source><translation>Zielordner</translation></message>
    <message><source>path copied</source><translation>Pfad kopiert</translation></message>
    <message><source>playback stopped because the audio could not be read ({reason})</source><translation>die Wiedergabe hielt an, der Ton ließ sich nicht lesen ({reason})</translation></message>
    <message><source>precision</source><translation>Rechengenauigkeit</translation></message>
    <message><source>preparing</source><translation>wird vorbereitet</translation></message>
    <message><source>process</source><translation>Prozess</translation></message>
    <message><source>prompts</source><translation>Prompts</translation></message>
    <message><source>prompts, regions and candidates make {answers} answers; at most {most} fit in one call, so make several calls</source><translation>Prompts, Bereiche und Varianten ergeben {answers} Ergebnisse; in einen Auftrag passen höchstens {most}, machen Sie also mehrere</translation></message>
    <message><source>quality</source><translation>Qualität</translation></message>
    <message><source>random seed; the same seed gives the same result</source><translation>Startwert des Zufalls; gleicher Startwert, gleiches Ergebnis</translation></message>
    <message><source>reading the audio</source><translation>liest den Ton</translation></message>
    <message><source>reading the examples</source><translation>liest die Beispiele</translation></message>
    <message><source>reading {file} needs PyAV; install it with pip install av, or convert the file to WAV</source><translation>{file} lässt sich nur mit PyAV lesen; installieren Sie es mit pip install av, oder wandeln Sie die Datei in WAV um</translation></message>
    <message><source>ready</source><translation>bereit</translation></message>
    <message><source>region {start_s:g}-{end_s:g} s does not fit {file}; choose a start before the end, both between 0 and {seconds:.3f} s</source><translation>der Bereich {start_s:g}-{end_s:g} s passt nicht zu {file}; Anfang und Ende müssen zwischen 0 und {seconds:.3f} s liegen, der Anfang zuerst</translation></message>
    <message><source>region {start_s:g}-{end_s:g} s holds not a single sample; choose a longer one</source><translation>im Bereich {start_s:g}-{end_s:g} s liegt kein einziges Sample; wählen Sie einen längeren</translation></message>
    <message><source>region {start_s:g}-{end_s:g} s is not allowed; choose a start of 0 or later and an end at least {shortest_s:g} s after it</source><translation>der Bereich {start_s:g}-{end_s:g} s geht nicht; der Anfang muss bei 0 oder später liegen, das Ende mindestens {shortest_s:g} s danach</translation></message>
    <message><source>region_s</source><translation>Bereich</translation></message>
    <message><source>regions</source><translation>Bereiche</translation></message>
    <message><source>regions {start_s:g}-{end_s:g} s and {next_s:g}-{last_s:g} s overlap; give one region for both</source><translation>die Bereiche {start_s:g}-{end_s:g} s und {next_s:g}-{last_s:g} s überschneiden sich; wählen Sie einen für beide</translation></message>
    <message><source>render</source><translation>Klang</translation></message>
    <message><source>replace needs to know what to put in the place; say so in a few words, for example trumpet</source><translation>beim Ersetzen fehlt, was an die Stelle kommen soll; sagen Sie es in ein paar Worten, etwa Trompete</translation></message>
    <message><source>replace needs to know what to take out; say so in a few words, for example violin</source><translation>beim Ersetzen fehlt, was heraus soll; sagen Sie es in ein paar Worten, etwa Geige</translation></message>
    <message><source>with, e.g. trumpet</source><translation>durch, etwa Trompete</translation></message>
    <message><source>replacement</source><translation>Ersatz</translation></message>
    <message><source>rest</source><translation>Rest</translation></message>
    <message><source>rest_prompt</source><translation>Worte über die anderen</translation></message>
    <message><source>running</source><translation>läuft</translation></message>
    <message><source>saved {file}</source><translation>{file} gespeichert</translation></message>
    <message><source>say in a few words what to look for, for example violin</source><translation>sagen Sie in ein paar Worten, was gesucht wird, etwa Geige</translation></message>
    <message><source>say what to replace it with too, for example trumpet</source><translation>sagen Sie auch, wodurch es ersetzt werden soll, etwa Trompete</translation></message>
    <message><source>seconds</source><translation>Sekunden</translation></message>
    <message><source>seed</source><translation>Startwert</translation></message>
    <message><source>sensitivity</source><translation>Empfindlichkeit</translation></message>
    <message><source>sent back to the DAW</source><translation>an die DAW zurückgesandt</translation></message>
    <message><source>set of stems</source><translation>Stem-Satz</translation></message>
    <message><source>slot</source><translation>Slot</translation></message>
    <message><source>so that nothing clips</source><translation>damit nichts übersteuert</translation></message>
    <message><source>solo</source><translation>solo</translation></message>
    <message><source>sound cannot be played ({reason}); plug in an output device or choose one in the settings; everything else works</source><translation>es lässt sich nichts abspielen ({reason}); schließen Sie ein Gerät an, oder wählen Sie eines in den Einstellungen, alles andere geht</translation></message>
    <message><source>sound cannot be played because PortAudio is missing; on Debian and Ubuntu install libportaudio2</source><translation>es lässt sich nichts abspielen: PortAudio fehlt; installieren Sie unter Debian und Ubuntu libportaudio2</translation></message>
    <message><source>span {first}-{last} does not fit a clip of {frames} frames; choose a start before the end</source><translation>der Abschnitt {first}-{last} passt nicht in einen Clip von {frames} Frames; der Anfang muss vor dem Ende liegen</translation></message>
    <message><source>start</source><translation>Startpunkt</translation></message>
    <message><source>starting</source><translation>startet</translation></message>
    <message><source>stem</source><translation>Stem</translation></message>
    <message><source>stems that add up to the mix are named, and {prompts} asks for something to be left out; name the stems, the remainder comes with them</source><translation>Stems, die zusammen den Mix ergeben, werden genannt, aber {prompts} will etwas weglassen; nennen Sie die Stems, der Rest kommt von selbst dazu</translation></message>
    <message><source>stems that add up to the mix are one answer, not {count} candidates; leave the candidates out</source><translation>Stems, die zusammen den Mix ergeben, gibt es nur einmal, nicht in {count} Varianten; stellen Sie die Varianten auf 1</translation></message>
    <message><source>steps</source><translation>Schritte</translation></message>
    <message><source>stereo</source><translation>stereo</translation></message>
    <message><source>stopping</source><translation>hält an</translation></message>
    <message><source>strength</source><translation>Stärke</translation></message>
    <message><source>task</source><translation>Aufgabe</translation></message>
    <message><source>temperature</source><translation>Temperatur</translation></message>
    <message><source>the audio device is gone; playback continues on {name}</source><translation>das Audiogerät ist weg; weiter geht es über {name}</translation></message>
    <message><source>the audio device is gone; plug it in again, or choose another one in the settings</source><translation>das Audiogerät ist weg; schließen Sie es wieder an, oder wählen Sie ein anderes in den Einstellungen</translation></message>
    <message><source>the audio of {file} could not be copied ({reason}); make room</source><translation>der Ton von {file} ließ sich nicht kopieren ({reason}); schaffen Sie Platz</translation></message>
    <message><source>the audio of {file} is gone; put the folder {folder} back beside it</source><translation>der Ton von {file} ist weg; legen Sie den Ordner {folder} wieder daneben</translation></message>
    <message><source>the audio of {lane} is gone from the disk; make it again</source><translation>der Ton von {lane} ist nicht mehr auf der Platte; erzeugen Sie ihn neu</translation></message>
    <message><source>the audio {name}… of this project is gone; put its folder back beside it</source><translation>der Ton {name}… dieses Projekts ist weg; legen Sie seinen Ordner wieder daneben</translation></message>
    <message><source>the bridge cannot send it back ({reason})</source><translation>die Brücke kann es nicht zurücksenden ({reason})</translation></message>
    <message><source>the bridge is not running; start it first</source><translation>die Brücke läuft nicht; starten Sie sie zuerst</translation></message>
    <message><source>the bridge is not running; switch it on in the settings and send it back again</source><translation>die Brücke läuft nicht; schalten Sie sie in den Einstellungen ein, und senden Sie dann noch einmal zurück</translation></message>
    <message><source>the bridge is off; switch it on in the settings, then send it back again</source><translation>die Brücke ist aus; schalten Sie sie in den Einstellungen ein und senden Sie dann noch einmal zurück</translation></message>
    <message><source>the bridge needs the extra osc ({reason}); install it and try again</source><translation>die Brücke braucht das Extra osc ({reason}); installieren Sie es und versuchen Sie es noch einmal</translation></message>
    <message><source>the bundle unpacks to over {limit_gb} GiB; no bundle is that large</source><translation>das Modell wird ausgepackt größer als {limit_gb} GiB; so groß ist kein Modell</translation></message>
    <message><source>the bundle {bundle} accepts no {kinds}; choose another bundle, or describe it in words</source><translation>das Modell {bundle} nimmt keine {kinds}; wählen Sie ein anderes, oder sagen Sie es mit Worten</translation></message>
    <message><source>the bundle {bundle} takes no pictures as examples, so {example} cannot be used; it takes words</source><translation>das Modell {bundle} nimmt keine Bilder als Beispiel, also auch nicht {example}; es nimmt Worte</translation></message>
    <message><source>the bundle {bundle} takes no pictures as examples, so {example} cannot be used; it takes words and sounds</source><translation>das Modell {bundle} nimmt keine Bilder als Beispiel, also auch nicht {example}; es nimmt Worte und Klänge</translation></message>
    <message><source>the bundle {bundle} takes no sounds as examples, so {example} cannot be used; it takes words</source><translation>das Modell {bundle} nimmt keine Klänge als Beispiel, also auch nicht {example}; es nimmt Worte</translation></message>
    <message><source>the bundle {bundle} takes no sounds as examples, so {example} cannot be used; it takes words, pictures and videos</source><translation>das Modell {bundle} nimmt keine Klänge als Beispiel, also auch nicht {example}; es nimmt Worte, Bilder und Videos</translation></message>
    <message><source>the bundle {bundle} takes no videos and no sounds as examples, so {example} cannot be used; it takes words</source><translation>das Modell {bundle} nimmt weder Videos noch Klänge als Beispiel, also auch nicht {example}; es nimmt Worte</translation></message>
    <message><source>the bundle {bundle} takes no videos as examples, so {example} cannot be used; it takes words</source><translation>das Modell {bundle} nimmt keine Videos als Beispiel, also auch nicht {example}; es nimmt Worte</translation></message>
    <message><source>the bundle {bundle} takes no videos as examples, so {example} cannot be used; it takes words and sounds; to have the sound of it heard, give it as audio</source><translation>das Modell {bundle} nimmt keine Videos als Beispiel, also auch nicht {example}; es nimmt Worte und Klänge; soll der Ton des Videos zählen, geben Sie es als Audio an</translation></message>
    <message><source>the bundle's mask graph answered with {name} values that are no numbers; use another bundle</source><translation>der Masken-Graph des Modells lieferte bei {name} Werte, die keine Zahlen sind; benutzen Sie ein anderes Modell</translation></message>
    <message><source>the bundle's {graph} graph answered with values that are no numbers; use another bundle</source><translation>der Graph {graph} des Modells lieferte Werte, die keine Zahlen sind; benutzen Sie ein anderes Modell</translation></message>
    <message><source>{name} was not added, because another song was opened meanwhile; add it again</source><translation>{name} wurde nicht hinzugefügt, weil inzwischen ein anderer Song geöffnet wurde; fügen Sie es noch einmal hinzu</translation></message>
    <message><source>the clip of this job is gone; send it again from the DAW</source><translation>der Clip dieses Auftrags ist weg; schicken Sie ihn noch einmal aus der DAW</translation></message>
    <message><source>the current folder is gone, so {path} is nowhere; change to another one</source><translation>der aktuelle Ordner ist weg, {path} also nirgends; wechseln Sie in einen anderen</translation></message>
    <message><source>the decoded audio is gone from the cache; open the file again</source><translation>der Ton ist nicht mehr im Zwischenspeicher; öffnen Sie die Datei noch einmal</translation></message>
    <message><source>the demo mix is not part of this installation; open a file of your own</source><translation>der Demo-Mix gehört nicht zu dieser Installation; öffnen Sie eine eigene Datei</translation></message>
    <message><source>the engine process could not be given the job ({error})</source><translation>dem Engine-Prozess ließ sich der Auftrag nicht geben ({error})</translation></message>
    <message><source>the engine process could not be started ({error})</source><translation>der Engine-Prozess ließ sich nicht starten ({error})</translation></message>
    <message><source>{path} is not an audio file that can be read ({reason}); use WAV, FLAC, AIFF, OGG or MP3</source><translation>{path} ist keine Audiodatei, die sich lesen lässt ({reason}); nehmen Sie WAV, FLAC, AIFF, OGG oder MP3</translation></message>
    <message><source>the engine process hung ({reason}) and was ended; this job is given up, the next one gets a new process</source><translation>der Engine-Prozess hing ({reason}) und wurde beendet; dieser Auftrag ist aufgegeben, der nächste bekommt einen neuen Prozess</translation></message>
    <message><source>the engine process ended ({reason}); this job is lost, the next one gets a new process; set FLUXSTEM_DEBUG=1 to see its log</source><translation>der Engine-Prozess wurde beendet ({reason}); dieser Auftrag ist verloren, der nächste bekommt einen neuen Prozess; mit FLUXSTEM_DEBUG=1 sehen Sie sein Protokoll</translation></message>
    <message><source>the example same is the input, and {task} was given none; give a path</source><translation>das Beispiel „same“ ist die Eingangsdatei, und {task} hat keine; geben Sie einen Pfad an</translation></message>
    <message><source>the example {path} broke its decoder (it ended with code {code}); save it in another format</source><translation>das Beispiel {path} hat seinen Decoder zum Absturz gebracht (Code {code}); speichern Sie es in einem anderen Format</translation></message>
    <message><source>the example {path} broke its decoder (it was ended by {signal}); save it in another format</source><translation>das Beispiel {path} hat seinen Decoder zum Absturz gebracht ({signal}); speichern Sie es in einem anderen Format</translation></message>
    <message><source>the example {path} broke its decoder (too little came out); save it again</source><translation>das Beispiel {path} hat seinen Decoder gestört (es kam zu wenig heraus); speichern Sie es neu</translation></message>
    <message><source>the example {path} cannot be decoded ({reason}); save it again</source><translation>das Beispiel {path} lässt sich nicht dekodieren ({reason}); speichern Sie es neu</translation></message>
    <message><source>the example {path} cannot be opened ({reason}); check its path</source><translation>das Beispiel {path} lässt sich nicht öffnen ({reason}); prüfen Sie den Pfad</translation></message>
    <message><source>the example {path} changes its rate or channels at {seconds:g} s; convert it first</source><translation>das Beispiel {path} wechselt bei {seconds:g} s Abtastrate oder Kanäle; wandeln Sie es zuerst um</translation></message>
    <message><source>the example {path} changes its size beyond what is read; save it again</source><translation>das Beispiel {path} wechselt die Bildgröße über das Lesbare hinaus; speichern Sie es neu</translation></message>
    <message><source>the example {path} ends before {start_s:g} s; give a part that is in it</source><translation>das Beispiel {path} endet vor {start_s:g} s; geben Sie einen Teil an, den es hat</translation></message>
    <message><source>the example {path} has frames of {width} x {height} pixels; at most {millions} million are read, so save it smaller</source><translation>das Beispiel {path} hat Bilder von {width} x {height} Pixeln; gelesen werden höchstens {millions} Millionen, speichern Sie es kleiner</translation></message>
    <message><source>the example {path} has no samples there; give a part with sound in it</source><translation>das Beispiel {path} hat dort keine Samples; geben Sie einen Teil mit Ton an</translation></message>
    <message><source>the example {path} has samples that are no numbers; repair it or save it again</source><translation>das Beispiel {path} enthält Samples, die keine Zahlen sind; reparieren Sie es, oder speichern Sie es neu</translation></message>
    <message><source>the example {path} has {channels} channels at {rate_hz} Hz; at most {limit} channels at {low} to {high} Hz are read, so convert it</source><translation>das Beispiel {path} hat {channels} Kanäle mit {rate_hz} Hz; gelesen werden höchstens {limit} Kanäle mit {low} bis {high} Hz, wandeln Sie es um</translation></message>
    <message><source>the example {path} has {channels} channels; at most {limit} are read</source><translation>das Beispiel {path} hat {channels} Kanäle; gelesen werden höchstens {limit}</translation></message>
    <message><source>the example {path} has {size_mb} MiB; at most {limit_mb} are read, so cut out the part that matters</source><translation>das Beispiel {path} hat {size_mb} MiB; gelesen werden höchstens {limit_mb}, schneiden Sie also den Teil heraus, auf den es ankommt</translation></message>
    <message><source>the example {path} has {width} x {height} pixels; at most {millions} million and {side} on a side are read, so save it smaller</source><translation>das Beispiel {path} hat {width} x {height} Pixel; gelesen werden höchstens {millions} Millionen und {side} je Seite, speichern Sie es kleiner</translation></message>
    <message><source>the example {path} holds no picture; give it as a sound</source><translation>im Beispiel {path} ist kein Bild; geben Sie es als Klang an</translation></message>
    <message><source>the example {path} holds no sound</source><translation>im Beispiel {path} ist kein Ton</translation></message>
    <message><source>the example {path} holds no sound that can be decoded; save it again</source><translation>das Beispiel {path} enthält keinen Ton, der sich dekodieren lässt; speichern Sie es neu</translation></message>
    <message><source>the example {path} holds no sound that can be read; use WAV, FLAC, MP3, OGG or M4A</source><translation>im Beispiel {path} ist kein lesbarer Ton; benutzen Sie WAV, FLAC, MP3, OGG oder M4A</translation></message>
    <message><source>the example {path} holds no sound; give a file with an audio track</source><translation>im Beispiel {path} ist kein Ton; nehmen Sie eine Datei mit Tonspur</translation></message>
    <message><source>the example {path} holds nothing that can be decoded; save it again</source><translation>im Beispiel {path} lässt sich nichts dekodieren; speichern Sie es neu</translation></message>
    <message><source>the example {path} is a damaged animation ({reason}); save it again</source><translation>das Beispiel {path} ist eine beschädigte Animation ({reason}); speichern Sie es neu</translation></message>
    <message><source>the example {path} is a damaged picture ({reason}); save it again</source><translation>das Beispiel {path} ist ein beschädigtes Bild ({reason}); speichern Sie es neu</translation></message>
    <message><source>the example {path} is damaged ({reason}); save it again</source><translation>das Beispiel {path} ist beschädigt ({reason}); speichern Sie es neu</translation></message>
    <message><source>the example {path} is empty (0 bytes); give a picture, a video or a sound</source><translation>das Beispiel {path} ist leer (0 Bytes); nehmen Sie ein Bild, ein Video oder einen Klang</translation></message>
    <message><source>the example {path} is longer than {limit_s:g} s; give a part of it, as in file#t=60,90</source><translation>das Beispiel {path} ist länger als {limit_s:g} s; geben Sie einen Teil davon an, etwa Datei#t=60,90</translation></message>
    <message><source>the example {path} is no picture, video or sound that can be read, or is damaged; use PNG, JPEG, MP4, WebM, WAV or MP3</source><translation>das Beispiel {path} ist kein lesbares Bild, Video oder Klang, oder es ist beschädigt; benutzen Sie PNG, JPEG, MP4, WebM, WAV oder MP3</translation></message>
    <message><source>the example {path} is not a file; give a picture, a video or a sound</source><translation>das Beispiel {path} ist keine Datei; nehmen Sie ein Bild, ein Video oder einen Klang</translation></message>
    <message><source>the example {path} is not an audio or video file that can be read; use WAV, FLAC, AIFF, OGG, MP3 or M4A</source><translation>das Beispiel {path} ist keine lesbare Audio- oder Videodatei; benutzen Sie WAV, FLAC, AIFF, OGG, MP3 oder M4A</translation></message>
    <message><source>the example {path} is silent there; give a part with sound in it</source><translation>das Beispiel {path} ist dort still; geben Sie einen Teil mit Ton an</translation></message>
    <message><source>the example {path} needs more memory than a decoder gets; save it smaller</source><translation>das Beispiel {path} braucht mehr Speicher, als ein Decoder bekommt; speichern Sie es kleiner</translation></message>
    <message><source>the example {path} needs Pillow, which is not installed; install the extra examples: pip install 'fluxstem[examples]'</source><translation>das Beispiel {path} braucht Pillow, und das ist nicht installiert; installieren Sie das Extra examples: pip install 'fluxstem[examples]'</translation></message>
    <message><source>the example {path} needs {package}, which is not installed; install it with pip</source><translation>das Beispiel {path} braucht {package}, und das ist nicht installiert; installieren Sie es mit pip</translation></message>
    <message><source>the example {path} was not decoded within {limit_s:g} s and was given up; give a shorter part of it or save it smaller</source><translation>das Beispiel {path} war nach {limit_s:g} s nicht dekodiert und wurde aufgegeben; nehmen Sie einen kürzeren Teil, oder speichern Sie es kleiner</translation></message>
    <message><source>the examples show nothing but black; give others, or say in words what to look for</source><translation>die Beispiele zeigen nur Schwarz; nehmen Sie andere, oder sagen Sie in Worten, was gesucht wird</translation></message>
    <message><source>the graph in float16 cannot be kept in {folder} ({reason}); make room there, or choose --precision float32</source><translation>der Graph in float16 lässt sich nicht in {folder} ablegen ({reason}); schaffen Sie dort Platz, oder wählen Sie die Rechengenauigkeit float32</translation></message>
    <message><source>the mask decoder of {bundle} has one answer to a prompt, so {count} candidates would all be the same; leave the candidates out, or choose the render flow</source><translation>der Maskendecoder von {bundle} hat zu einem Prompt nur eine Antwort, {count} Varianten wären also alle gleich; stellen Sie die Varianten auf 1, oder lassen Sie das Flussmodell filtern</translation></message>
    <message><source>the name template makes no name; put at least one letter into it</source><translation>die Namensvorlage ergibt keinen Namen; schreiben Sie mindestens einen Buchstaben hinein</translation></message>
    <message><source>the name template {template} cannot be used ({reason}); allowed are {allowed}</source><translation>die Namensvorlage {template} geht nicht ({reason}); erlaubt sind {allowed}</translation></message>
    <message><source>the name {name!r} is longer than {most} bytes; shorten it</source><translation>der Name {name!r} ist länger als {most} Bytes; kürzen Sie ihn</translation></message>
    <message><source>the name {template!r} asks for {field}, which there is not; choose from {allowed}</source><translation>der Name {template!r} verlangt {field}, das gibt es nicht; wählen Sie aus {allowed}</translation></message>
    <message><source>the name {template!r} cannot be read ({error}); write fields as {allowed}</source><translation>der Name {template!r} ist nicht lesbar ({error}); schreiben Sie Felder wie {allowed}</translation></message>
    <message><source>the name {template!r} has no letter that a file name can hold; add one</source><translation>der Name {template!r} hat keinen Buchstaben, der in einen Dateinamen passt; fügen Sie einen hinzu</translation></message>
    <message><source>the name {template!r} holds a folder; give the folder apart from the name, on the command line with --out</source><translation>der Name {template!r} enthält einen Ordner; geben Sie den Ordner getrennt vom Namen an</translation></message>
    <message><source>the new mix is muted because its stems are audible; press S to hear it alone</source><translation>der neue Mix ist stumm, weil seine Stems zu hören sind; S spielt ihn allein</translation></message>
    <message><source>the others</source><translation>die anderen</translation></message>
    <message><source>the part of {path} begins nowhere; give its start in seconds</source><translation>der Teil von {path} hat keinen Anfang; geben Sie ihn in Sekunden an</translation></message>
    <message><source>the part {start_s:g}-{end_s:g} s of {path} is empty; give its start, then its end</source><translation>der Teil {start_s:g}-{end_s:g} s von {path} ist leer; geben Sie erst den Anfang an, dann das Ende</translation></message>
    <message><source>the picture {path} has {size_mb} MiB; at most {limit_mb} are read, so save it smaller, for example as a JPEG</source><translation>das Bild {path} hat {size_mb} MiB; gelesen werden höchstens {limit_mb}, speichern Sie es kleiner, etwa als JPEG</translation></message>
    <message><source>the project could not be saved to {path} ({reason}); the old file is unchanged; save to another folder</source><translation>das Projekt ließ sich nicht nach {path} speichern ({reason}); die alte Datei ist unverändert; speichern Sie in einem anderen Ordner</translation></message>
    <message><source>the prompt has {count} characters; at most {most} are allowed, and a few words are best to find something</source><translation>der Prompt hat {count} Zeichen; erlaubt sind höchstens {most}, und mit ein paar Worten findet sich am meisten</translation></message>
    <message><source>the prompt holds bytes that are no characters; use plain words</source><translation>der Prompt enthält Bytes, die keine Zeichen sind; benutzen Sie einfache Worte</translation></message>
    <message><source>the prompt is empty; say in a few words what to look for, for example violin</source><translation>der Prompt ist leer; sagen Sie in ein paar Worten, was gesucht wird, etwa Geige</translation></message>
    <message><source>the prompts have {count} sentences or names; at most {most} are heard in one call, so say it in fewer words or make several calls</source><translation>die Prompts haben {count} Sätze oder Namen; in einem Auftrag zählen höchstens {most}, fassen Sie sich also kürzer, oder machen Sie mehrere Aufträge</translation></message>
    <message><source>the set of stems {stems} is known by its names and takes no examples; leave the examples out, or name the stems one by one</source><translation>der Stem-Satz {stems} steht durch seine Namen fest und nimmt keine Beispiele; lassen Sie die Beispiele weg, oder nennen Sie die Stems einzeln</translation></message>
    <message><source>the spectrogram is gone from the cache; open the file again</source><translation>das Spektrogramm ist nicht mehr im Zwischenspeicher; öffnen Sie die Datei noch einmal</translation></message>
    <message><source>the waveform is gone from the cache; open the file again</source><translation>die Wellenform ist nicht mehr im Zwischenspeicher; öffnen Sie die Datei noch einmal</translation></message>
    <message><source>the whole mix</source><translation>der ganze Mix</translation></message>
    <message><source>the {what} {file} is no longer the one that {name} was made from (its hash differs); put the old one back, or make a new result</source><translation>{file} ({what}) ist nicht mehr die Datei, aus der {name} entstand (andere Prüfsumme); legen Sie die alte zurück, oder erzeugen Sie ein neues Ergebnis</translation></message>
    <message><source>the {what} {file} that {name} was made from is gone; put it back</source><translation>{file} ({what}), woraus {name} entstand, ist weg; legen Sie die Datei zurück</translation></message>
    <message><source>the {what} {file} that {name} was made from is gone; put it back, or say where it is now with --{what}</source><translation>{file} ({what}), woraus {name} entstand, ist weg; legen Sie die Datei zurück, oder sagen Sie mit --{what}, wo sie jetzt ist</translation></message>
    <message><source>there is no file {path}; check the path</source><translation>es gibt keine Datei {path}; prüfen Sie den Pfad</translation></message>
    <message><source>there is no file {path}; check the path of the example</source><translation>es gibt keine Datei {path}; prüfen Sie den Pfad des Beispiels</translation></message>
    <message><source>there is no file {path}; give the JSON that lies beside a result</source><translation>es gibt keine Datei {path}; nehmen Sie die JSON-Datei neben einem Ergebnis</translation></message>
    <message><source>there is no file {path}; it may have been moved or deleted</source><translation>es gibt keine Datei {path}; vielleicht wurde sie verschoben oder gelöscht</translation></message>
    <message><source>there is no folder {folder}; give a folder that clips may be read from</source><translation>es gibt keinen Ordner {folder}; nennen Sie einen, aus dem Clips gelesen werden dürfen</translation></message>
    <message><source>there is no job {job!r}; use the name that submit returned</source><translation>es gibt keinen Auftrag {job!r}; benutzen Sie den Namen, den submit gab</translation></message>
    <message><source>there is not enough memory for this job; close other programs or use a region</source><translation>für diesen Auftrag reicht der Speicher nicht; schließen Sie andere Programme, oder wählen Sie einen Bereich</translation></message>
    <message><source>they sum to the mix exactly</source><translation>zusammen ergeben sie genau den Mix</translation></message>
    <message><source>this engine is closed; make a new one</source><translation>diese Engine ist beendet; starten Sie Fluxstem neu</translation></message>
    <message><source>this lane is gone; choose another one</source><translation>diese Spur ist weg; wählen Sie eine andere</translation></message>
    <message><source>this project did not come from a DAW; drag the lane into it instead</source><translation>dieses Projekt kam nicht aus einer DAW; ziehen Sie die Spur stattdessen hinein</translation></message>
    <message><source>this project has no file yet; choose a name for it</source><translation>dieses Projekt hat noch keine Datei; geben Sie ihm einen Namen</translation></message>
    <message><source>this project has no mix to subtract from; choose the stems instead</source><translation>dieses Projekt hat keinen Mix, von dem sich etwas abziehen ließe; wählen Sie stattdessen die Stems</translation></message>
    <message><source>this task needs an audio file; give its path</source><translation>diese Aufgabe braucht eine Audiodatei; geben Sie ihren Pfad an</translation></message>
    <message><source>unchanged</source><translation>wie es war</translation></message>
    <message><source>unknown slot {slot!r}; choose one of {slots}</source><translation>unbekannter Slot {slot!r}; wählen Sie einen von {slots}</translation></message>
    <message><source>unknown task {task!r}; choose one of {tasks}</source><translation>unbekannte Aufgabe {task!r}; wählen Sie eine von {tasks}</translation></message>
    <message><source>unknown {option} {value!r}; choose one of {choices}</source><translation>{option}: {value!r} gibt es nicht; wählen Sie aus {choices}</translation></message>
    <message><source>untitled</source><translation>ohne Titel</translation></message>
    <message><source>videos</source><translation>Videos</translation></message>
    <message><source>violin, drum kit, bass guitar …</source><translation>Geige, Schlagzeug, E-Bass …</translation></message>
    <message><source>waiting</source><translation>wartet</translation></message>
    <message><source>waiting for the engine</source><translation>wartet auf die Engine</translation></message>
    <message><source>what plays in the region, e.g. piano</source><translation>was im Bereich spielt, etwa Klavier</translation></message>
    <message><source>what should continue, e.g. synth bass</source><translation>was weitergeht, etwa Synthesizerbass</translation></message>
    <message><source>what should play instead, e.g. electric guitar</source><translation>was stattdessen spielen soll, etwa E-Gitarre</translation></message>
    <message><source>what should play it, e.g. trumpet</source><translation>was es spielen soll, etwa Trompete</translation></message>
    <message><source>what the sampler starts from: zeros, always the same answer; noise, another one for each seed</source><translation>wovon der Sampler ausgeht: Nullen geben immer dieselbe Antwort, Rauschen eine andere je Startwert</translation></message>
    <message><source>what to make, e.g. a slow cello line</source><translation>was entstehen soll, etwa ein langsames Cello</translation></message>
    <message><source>what to remove, e.g. vocals</source><translation>was weg soll, etwa Gesang</translation></message>
    <message><source>what to replace, e.g. violin</source><translation>was ersetzt werden soll, etwa Geige</translation></message>
    <message><source>which separator of the bundle to use, or none of them</source><translation>welcher Separator des Modells arbeitet, oder keiner</translation></message>
    <message><source>with the slot mix the prompt itself is about the mix; leave {words!r} out</source><translation>entsteht der ganze Mix, beschreibt ihn schon der Prompt; lassen Sie {words!r} weg</translation></message>
    <message><source>writing the files</source><translation>schreibt die Dateien</translation></message>
    <message><source>{address}, open to the network</source><translation>{address}, offen für das Netz</translation></message>
    <message><source>{bundle} has no expert {name!r}; its experts are {known}; name one of them, or say {nobody}</source><translation>{bundle} hat keinen Experten {name!r}; seine Experten sind {known}; wählen Sie einen davon, oder {nobody}</translation></message>
    <message><source>{bundle} has no experts; leave the expert out</source><translation>{bundle} hat keine Experten; wählen Sie keinen</translation></message>
    <message><source>{bundle} is a separator and has no flow; choose {able} with the render masked, or another bundle</source><translation>{bundle} kann nur trennen und hat kein Flussmodell; wählen Sie {able} mit Ihrem eigenen Audio, gefiltert, oder ein anderes Modell</translation></message>
    <message><source>{bundle} is a separator and knows {stems}; name one of these and nothing else</source><translation>{bundle} kann nur trennen und kennt {stems}; nennen Sie eines davon und sonst nichts</translation></message>
    <message><source>{bundle} names {count} files; at most {files_limit} are allowed</source><translation>{bundle} nennt {count} Dateien; erlaubt sind höchstens {files_limit}</translation></message>
    <message><source>{bundle}: every file matches its hash</source><translation>{bundle}: jede Datei stimmt mit ihrer Prüfsumme überein</translation></message>
    <message><source>{count} candidates that start from zeros would all be the same; give --start noise too, or leave the candidates out</source><translation>{count} Varianten, die von Nullen ausgehen, wären alle gleich; wählen Sie als Startpunkt Rauschen, oder stellen Sie die Varianten auf 1</translation></message>
    <message><source>{count} output devices found.</source><translation>{count} Ausgabegeräte gefunden.</translation></message>
    <message><source>{count} {option} given; at most {most} fit in one call, so make several calls</source><translation>{option}: {count} angegeben; in einen Auftrag passen höchstens {most}, machen Sie also mehrere</translation></message>
    <message><source>{device} does not compute with {precision}, but with {known}; choose one of these with --precision</source><translation>{device} rechnet nicht mit {precision}, sondern mit {known}; wählen Sie eine davon als Rechengenauigkeit</translation></message>
    <message><source>{error}; give a network as 192.168.1.0/24</source><translation>{error}; schreiben Sie ein Netz wie 192.168.1.0/24</translation></message>
    <message><source>{file} cannot be read ({reason}); convert it to WAV or FLAC</source><translation>{file} lässt sich nicht lesen ({reason}); wandeln Sie es in WAV oder FLAC um</translation></message>
    <message><source>{file} contains samples that are not numbers; export it again from its source</source><translation>{file} enthält Werte, die keine Zahlen sind; exportieren Sie es neu aus seiner Quelle</translation></message>
    <message><source>{file} differs from its hash; get the bundle again</source><translation>{file} stimmt nicht mit seiner Prüfsumme überein; laden Sie das Modell neu herunter</translation></message>
    <message><source>{file} has a sample rate of {rate_hz} Hz; allowed are {low} to {high} Hz</source><translation>{file} hat eine Abtastrate von {rate_hz} Hz; erlaubt sind {low} bis {high} Hz</translation></message>
    <message><source>{file} has no sound; choose a file with an audio track</source><translation>in {file} ist kein Ton; wählen Sie eine Datei mit Tonspur</translation></message>
    <message><source>{file} has {channels} channels; at most {limit} are allowed, so split it</source><translation>{file} hat {channels} Kanäle; erlaubt sind höchstens {limit}, teilen Sie es also auf</translation></message>
    <message><source>{file} holds over {entries_limit} files, which no bundle does</source><translation>{file} enthält mehr als {entries_limit} Dateien, so viele hat kein Modell</translation></message>
    <message><source>{file} holds {count} bundles; a zip file of one bundle is needed</source><translation>{file} enthält {count} Modelle; gebraucht wird die Zip-Datei eines einzigen</translation></message>
    <message><source>{file} in {archive} is no plain file; make the zip file again</source><translation>{file} in {archive} ist keine gewöhnliche Datei; packen Sie die Zip-Datei neu</translation></message>
    <message><source>{file} is damaged ({reason}); an older copy of it may still be good</source><translation>{file} ist beschädigt ({reason}); eine ältere Kopie ist vielleicht noch gut</translation></message>
    <message><source>{file} is empty (0 bytes); choose a file with sound in it</source><translation>{file} ist leer (0 Bytes); wählen Sie eine Datei mit Ton</translation></message>
    <message><source>{file} is longer than {hours} hours; cut it into parts and open one of them</source><translation>{file} ist länger als {hours} Stunden; zerschneiden Sie es, und öffnen Sie einen der Teile</translation></message>
    <message><source>{file} is missing in {where}; get the bundle again</source><translation>{file} fehlt in {where}; laden Sie das Modell neu herunter</translation></message>
    <message><source>{file} is no zip file that can be read ({reason}); get it again</source><translation>{file} ist keine lesbare Zip-Datei ({reason}); laden Sie sie neu herunter</translation></message>
    <message><source>{file} is not a Fluxstem project; choose a {suffix} file</source><translation>{file} ist kein Fluxstem-Projekt; wählen Sie eine {suffix}-Datei</translation></message>
    <message><source>{file} is not an image, video or audio file; drop one of these to show what to look for</source><translation>{file} ist weder Bild noch Video noch Audiodatei; legen Sie eines davon ab, um zu zeigen, was gesucht wird</translation></message>
    <message><source>{file} is not audio that can be read ({reason}); convert it to WAV</source><translation>{file} ist kein lesbarer Ton ({reason}); wandeln Sie es in WAV um</translation></message>
    <message><source>{file} is open in another Fluxstem window (process {process}); close it there, or save yours under another name</source><translation>{file} ist in einem anderen Fluxstem-Fenster offen (Prozess {process}); schließen Sie es dort, oder speichern Sie Ihres unter anderem Namen</translation></message>
    <message><source>{file} is too large to be a project; choose a {suffix} file</source><translation>{file} ist zu groß für ein Projekt; wählen Sie eine {suffix}-Datei</translation></message>
    <message><source>{file} was written by a newer Fluxstem (format {format}); update this one</source><translation>{file} stammt von einem neueren Fluxstem (Format {format}); bringen Sie dieses auf den neuesten Stand</translation></message>
    <message><source>{folder} already holds ten thousand files called {name}; choose another name</source><translation>in {folder} gibt es zehntausend Dateien namens {name}; wählen Sie einen anderen Namen</translation></message>
    <message><source>{folder} cannot be deleted ({reason}); close what uses it</source><translation>{folder} lässt sich nicht löschen ({reason}); schließen Sie, was den Ordner benutzt</translation></message>
    <message><source>{folder} cannot be written to ({reason}); free some space</source><translation>in {folder} lässt sich nicht schreiben ({reason}); schaffen Sie Platz</translation></message>
    <message><source>{folder} may not be written to</source><translation>in {folder} darf nicht geschrieben werden</translation></message>
    <message><source>{folder} may not be written to ({reason}); autosave needs it</source><translation>in {folder} darf nicht geschrieben werden ({reason}); das automatische Speichern braucht den Ordner</translation></message>
    <message><source>{folder} may not be written to; save the project in another folder</source><translation>in {folder} darf nicht geschrieben werden; speichern Sie das Projekt in einem anderen Ordner</translation></message>
    <message><source>{graph} could not be run: {reason}</source><translation>{graph} ließ sich nicht ausführen: {reason}</translation></message>
    <message><source>{graph} does not fit in memory; close other programs or ask for fewer windows at once</source><translation>{graph} passt nicht in den Speicher; schließen Sie andere Programme, oder rechnen Sie weniger Fenster auf einmal</translation></message>
    <message><source>{graph} is no graph this ONNX Runtime can read ({reason})</source><translation>{graph} ist kein Graph, den diese ONNX Runtime lesen kann ({reason})</translation></message>
    <message><source>{kind} cannot hold this sound ({reason}); choose --format wav24</source><translation>{kind} kann diesen Ton nicht speichern ({reason}); wählen Sie das Format WAV 24 Bit</translation></message>
    <message><source>{kind} holds at most {most} channels, this has {channels}; choose --format wav24</source><translation>{kind} kennt höchstens {most} Kanäle, hier sind es {channels}; wählen Sie das Format WAV 24 Bit</translation></message>
    <message><source>{name!r} cannot be the name of a folder; give it another with --name</source><translation>{name!r} kann kein Ordnername sein; wählen Sie einen anderen Namen</translation></message>
    <message><source>{name} holds text; give a picture, a video or a sound</source><translation>in {name} steht Text; nehmen Sie ein Bild, ein Video oder einen Klang</translation></message>
    <message><source>{name} is a HEIC picture, which cannot be read here; save it as a JPEG or PNG</source><translation>{name} ist ein HEIC-Bild und hier nicht lesbar; speichern Sie es als JPEG oder PNG</translation></message>
    <message><source>{name} is a PDF; save the page as a PNG</source><translation>{name} ist ein PDF; speichern Sie die Seite als PNG</translation></message>
    <message><source>{name} is a PostScript drawing; save it as a PNG</source><translation>{name} ist eine PostScript-Zeichnung; speichern Sie sie als PNG</translation></message>
    <message><source>{name} is a drawing in SVG; save it as a PNG</source><translation>{name} ist eine SVG-Zeichnung; speichern Sie sie als PNG</translation></message>
    <message><source>{name} is a list of files; give the file that is in it</source><translation>{name} ist eine Dateiliste; nehmen Sie die Datei, die darin steht</translation></message>
    <message><source>{name} is a playlist; give the file that is in it</source><translation>{name} ist eine Wiedergabeliste; nehmen Sie die Datei, die darin steht</translation></message>
    <message><source>{name} is {seconds:.0f} s long and {task} makes at most {most_s:g} s; say how many seconds to make</source><translation>{name} ist {seconds:.0f} s lang, und {task} macht höchstens {most_s:g} s; geben Sie an, wie viele Sekunden entstehen sollen</translation></message>
    <message><source>{name} reaches {peak:.2f} times full scale, which {format} cannot hold without changing it; choose --format wav32f</source><translation>{name} erreicht das {peak:.2f}-Fache der Vollaussteuerung, das kann {format} nicht unverändert speichern; wählen Sie das Format WAV 32 Bit Float</translation></message>
    <message><source>{name} was made with bundle {then} (hash {then_hash}), but {bundle} is now {now} (hash {now_hash}); install the old one, or make a new result</source><translation>{name} entstand mit dem Modell {then} (Prüfsumme {then_hash}), {bundle} ist jetzt aber {now} (Prüfsumme {now_hash}); installieren Sie das alte, oder erzeugen Sie ein neues Ergebnis</translation></message>
    <message><source>{option} {value!r} is not allowed; give a number from {low:g} to {high:g}</source><translation>{option}: {value!r} geht nicht; erlaubt ist eine Zahl von {low:g} bis {high:g}</translation></message>
    <message><source>{option} {value!r} is not allowed; give a path</source><translation>{option}: {value!r} geht nicht; geben Sie einen Pfad an</translation></message>
    <message><source>{option} {value!r} is not allowed; give a whole number from {low} to {high}</source><translation>{option}: {value!r} geht nicht; erlaubt ist eine ganze Zahl von {low} bis {high}</translation></message>
    <message><source>{option} {value!r} is not allowed; give several, in order</source><translation>{option}: {value!r} geht nicht; geben Sie mehrere an, der Reihe nach</translation></message>
    <message><source>{option} {value!r} is not allowed; give the name of one</source><translation>{option}: {value!r} geht nicht; geben Sie einen Namen an</translation></message>
    <message><source>{option} {value!r} is not allowed; give true or false</source><translation>{option}: {value!r} geht nicht; erlaubt ist ja oder nein</translation></message>
    <message><source>{option} {value!r} is not allowed; give words</source><translation>{option}: {value!r} geht nicht; geben Sie Worte an</translation></message>
    <message><source>{out!r} is not a folder name; choose another folder</source><translation>{out!r} ist kein Ordnername; wählen Sie einen anderen Ordner</translation></message>
    <message><source>{path!r} is not a file name; give the path of an audio file</source><translation>{path!r} ist kein Dateiname; geben Sie den Pfad einer Audiodatei an</translation></message>
    <message><source>{path} broke its decoder (it ended with code {code}); save it in another format</source><translation>{path} hat seinen Decoder zum Absturz gebracht (Code {code}); speichern Sie es in einem anderen Format</translation></message>
    <message><source>{path} broke its decoder (it was ended by {signal}); save it in another format</source><translation>{path} hat seinen Decoder zum Absturz gebracht ({signal}); speichern Sie es in einem anderen Format</translation></message>
    <message><source>{path} broke its decoder (too little came out); convert it to WAV</source><translation>{path} hat seinen Decoder gestört (es kam zu wenig heraus); wandeln Sie die Datei in WAV um</translation></message>
    <message><source>{path} cannot be decoded ({reason}); save it again</source><translation>{path} lässt sich nicht dekodieren ({reason}); speichern Sie es neu</translation></message>
    <message><source>{path} cannot be opened ({reason}); check that it is there</source><translation>{path} lässt sich nicht öffnen ({reason}); sehen Sie nach, ob es da ist</translation></message>
    <message><source>{path} cannot be opened ({reason}); check that it may be read</source><translation>{path} lässt sich nicht öffnen ({reason}); prüfen Sie die Zugriffsrechte</translation></message>
    <message><source>{path} cannot be read ({why}); check that it may be read</source><translation>{path} lässt sich nicht lesen ({why}); prüfen Sie die Zugriffsrechte</translation></message>
    <message><source>{path} cannot be run again: it does not have one hash for each example</source><translation>{path} lässt sich nicht wiederholen: es fehlt eine Prüfsumme für jedes Beispiel</translation></message>
    <message><source>{path} cannot be run again: {error}</source><translation>{path} lässt sich nicht wiederholen: {error}</translation></message>
    <message><source>{path} changes its rate or channels at {seconds:g} s; convert it first</source><translation>{path} wechselt bei {seconds:g} s Abtastrate oder Kanäle; wandeln Sie es zuerst um</translation></message>
    <message><source>{path} changes its size beyond what is read; save it again</source><translation>{path} wechselt die Bildgröße über das Lesbare hinaus; speichern Sie es neu</translation></message>
    <message><source>{path} does not say how long it is; convert it to WAV or FLAC first</source><translation>{path} sagt nicht, wie lang es ist; wandeln Sie es zuerst in WAV oder FLAC um</translation></message>
    <message><source>{path} ends before {start_s:g} s; give a part that is in it</source><translation>{path} endet vor {start_s:g} s; geben Sie einen Teil an, den es hat</translation></message>
    <message><source>{path} has a sample over {loudest:g} (full scale is 1) at {seconds:.3f} s; repair or convert it first</source><translation>{path} hat bei {seconds:.3f} s ein Sample über {loudest:g} (Vollaussteuerung ist 1); reparieren Sie die Datei, oder wandeln Sie sie zuerst um</translation></message>
    <message><source>{path} has a sample rate of {rate_hz} Hz; allowed are {lowest_rate_hz} to {highest_rate_hz} Hz, so convert it first</source><translation>{path} hat eine Abtastrate von {rate_hz} Hz; erlaubt sind {lowest_rate_hz} bis {highest_rate_hz} Hz, wandeln Sie die Datei zuerst um</translation></message>
    <message><source>{path} has a sample that is not a number or infinite at {seconds:.3f} s; repair or convert it first</source><translation>{path} hat bei {seconds:.3f} s ein Sample, das keine Zahl oder unendlich ist; reparieren Sie die Datei, oder wandeln Sie sie zuerst um</translation></message>
    <message><source>{path} has frames of {width} x {height} pixels; at most {millions} million are read, so save it smaller</source><translation>{path} hat Bilder von {width} x {height} Pixeln; gelesen werden höchstens {millions} Millionen, speichern Sie es kleiner</translation></message>
    <message><source>{path} has no samples (zero length); give an audio file with sound in it</source><translation>{path} hat keine Samples (Länge null); nehmen Sie eine Audiodatei mit Ton</translation></message>
    <message><source>{path} has no samples there; give a part with sound in it</source><translation>{path} hat dort keine Samples; geben Sie einen Teil mit Ton an</translation></message>
    <message><source>{path} has samples that are no numbers; repair it or save it again</source><translation>{path} enthält Samples, die keine Zahlen sind; reparieren Sie es, oder speichern Sie es neu</translation></message>
    <message><source>{path} has sidecar format {number}, this engine reads up to {newest}; update the engine</source><translation>{path} hat das JSON-Format {number}, diese Engine liest bis {newest}; aktualisieren Sie Fluxstem</translation></message>
    <message><source>{path} has {channels} channels at {rate_hz} Hz; at most {limit} channels at {low} to {high} Hz are read, so convert it</source><translation>{path} hat {channels} Kanäle mit {rate_hz} Hz; gelesen werden höchstens {limit} Kanäle mit {low} bis {high} Hz, wandeln Sie es um</translation></message>
    <message><source>{path} has {channels} channels; at most {highest_channels} are allowed, so split it</source><translation>{path} hat {channels} Kanäle; erlaubt sind höchstens {highest_channels}, teilen Sie die Datei auf</translation></message>
    <message><source>{path} has {channels} channels; at most {limit} are read</source><translation>{path} hat {channels} Kanäle; gelesen werden höchstens {limit}</translation></message>
    <message><source>{path} has {width} x {height} pixels; at most {millions} million and {side} on a side are read, so save it smaller</source><translation>{path} hat {width} x {height} Pixel; gelesen werden höchstens {millions} Millionen und {side} je Seite, speichern Sie es kleiner</translation></message>
    <message><source>{path} holds no picture; give it as a sound</source><translation>in {path} ist kein Bild; geben Sie es als Klang an</translation></message>
    <message><source>{path} holds no sound</source><translation>in {path} ist kein Ton</translation></message>
    <message><source>{path} holds no sound that can be decoded; save it again</source><translation>{path} enthält keinen Ton, der sich dekodieren lässt; speichern Sie es neu</translation></message>
    <message><source>{path} holds no sound that can be read; use WAV, FLAC, MP3, OGG or M4A</source><translation>in {path} ist kein lesbarer Ton; benutzen Sie WAV, FLAC, MP3, OGG oder M4A</translation></message>
    <message><source>{path} holds no sound; give a file with an audio track</source><translation>in {path} ist kein Ton; nehmen Sie eine Datei mit Tonspur</translation></message>
    <message><source>{path} holds no terms ({reason}); get the bundle again</source><translation>{path} enthält keine Begriffe ({reason}); laden Sie das Modell neu herunter</translation></message>
    <message><source>the bundle's terms lack {term}; get the bundle again</source><translation>in den Begriffen des Modells fehlt {term}; laden Sie das Modell neu herunter</translation></message>
    <message><source>{path} holds nothing that can be decoded; save it again</source><translation>in {path} lässt sich nichts dekodieren; speichern Sie es neu</translation></message>
    <message><source>{path} is a damaged animation ({reason}); save it again</source><translation>{path} ist eine beschädigte Animation ({reason}); speichern Sie es neu</translation></message>
    <message><source>{path} is a damaged picture ({reason}); save it again</source><translation>{path} ist ein beschädigtes Bild ({reason}); speichern Sie es neu</translation></message>
    <message><source>{path} is a picture; give a file with sound in it</source><translation>{path} ist ein Bild; nehmen Sie eine Datei mit Ton</translation></message>
    <message><source>{path} is damaged ({reason}); convert it or get it again</source><translation>{path} ist beschädigt ({reason}); wandeln Sie die Datei um, oder besorgen Sie sie neu</translation></message>
    <message><source>{path} is damaged ({reason}); save it again</source><translation>{path} ist beschädigt ({reason}); speichern Sie es neu</translation></message>
    <message><source>{path} is damaged: no sound can be read from {seconds:.3f} s on; convert it or get it again</source><translation>{path} ist beschädigt: ab {seconds:.3f} s ist kein Ton lesbar; wandeln Sie die Datei um, oder besorgen Sie sie neu</translation></message>
    <message><source>{path} is empty (0 bytes); give an audio file with sound in it</source><translation>{path} ist leer (0 Bytes); nehmen Sie eine Audiodatei mit Ton</translation></message>
    <message><source>{path} is longer than {limit_s:g} s; give a part of it, as in file#t=60,90</source><translation>{path} ist länger als {limit_s:g} s; geben Sie einen Teil davon an, etwa Datei#t=60,90</translation></message>
    <message><source>{path} is no picture, video or sound that can be read, or is damaged; use PNG, JPEG, MP4, WebM, WAV or MP3</source><translation>{path} ist kein lesbares Bild, Video oder Klang, oder es ist beschädigt; benutzen Sie PNG, JPEG, MP4, WebM, WAV oder MP3</translation></message>
    <message><source>{path} is no tokenizer ({error}); get the bundle again</source><translation>{path} ist kein Tokenizer ({error}); laden Sie das Modell neu herunter</translation></message>
    <message><source>{path} is not JSON ({error}); give the JSON that lies beside a result</source><translation>{path} ist kein JSON ({error}); nehmen Sie die JSON-Datei neben einem Ergebnis</translation></message>
    <message><source>{path} is not a Fluxstem sidecar; give the JSON that lies beside a result</source><translation>{path} ist keine JSON-Datei von Fluxstem; nehmen Sie die neben einem Ergebnis</translation></message>
    <message><source>{path} is not a file; drop an audio or video file</source><translation>{path} ist keine Datei; legen Sie eine Audio- oder Videodatei ab</translation></message>
    <message><source>{path} is not a file; give the path of an audio file</source><translation>{path} ist keine Datei; geben Sie den Pfad einer Audiodatei an</translation></message>
    <message><source>{path} is not an audio or video file that can be read; use WAV, FLAC, AIFF, OGG, MP3 or M4A</source><translation>{path} ist keine lesbare Audio- oder Videodatei; benutzen Sie WAV, FLAC, AIFF, OGG, MP3 oder M4A</translation></message>
    <message><source>{path} is of a kind that needs PyAV, which is not installed; install it with pip install av, or convert the file to WAV</source><translation>für {path} fehlt PyAV; installieren Sie es mit pip install av, oder wandeln Sie die Datei in WAV um</translation></message>
    <message><source>{path} is over {manifest_limit_bytes} bytes, which no manifest is; get the bundle again</source><translation>{path} hat mehr als {manifest_limit_bytes} Bytes, so groß ist kein Manifest; laden Sie das Modell neu herunter</translation></message>
    <message><source>{path} is silent there; give a part with sound in it</source><translation>{path} ist dort still; geben Sie einen Teil mit Ton an</translation></message>
    <message><source>{path} is too large to be a sidecar; give the JSON that lies beside a result</source><translation>{path} ist zu groß; nehmen Sie die JSON-Datei neben einem Ergebnis</translation></message>
    <message><source>{path} may not be read; ask for read permission or copy it</source><translation>{path} darf nicht gelesen werden; lassen Sie sich Leserechte geben, oder kopieren Sie die Datei</translation></message>
    <message><source>{path} may not be read; change its permissions or copy it to a folder of yours</source><translation>{path} darf nicht gelesen werden; ändern Sie die Rechte, oder kopieren Sie es in einen eigenen Ordner</translation></message>
    <message><source>{path} needs more memory than a decoder gets; save it smaller</source><translation>{path} braucht mehr Speicher, als ein Decoder bekommt; speichern Sie es kleiner</translation></message>
    <message><source>{path} needs Pillow, which is not installed; install the extra examples: pip install 'fluxstem[examples]'</source><translation>{path} braucht Pillow, und das ist nicht installiert; installieren Sie das Extra examples: pip install 'fluxstem[examples]'</translation></message>
    <message><source>{path} needs {package}, which is not installed; install it with pip</source><translation>{path} braucht {package}, und das ist nicht installiert; installieren Sie es mit pip</translation></message>
    <message><source>{path} was given up: its decoder did not move for {limit_s:g} s; convert the file to WAV</source><translation>{path} wurde aufgegeben: der Decoder stand {limit_s:g} s lang still; wandeln Sie die Datei in WAV um</translation></message>
    <message><source>{prompt!r} is not understood, no word of it is known; try {near}, say it in other words, or add --literal to have it heard as it is spelled</source><translation>{prompt!r} wird nicht verstanden, kein Wort davon ist bekannt; versuchen Sie {near}, oder sagen Sie es anders</translation></message>
    <message><source>{prompt!r} is the mix itself, all of it; name a sound to take out of it, for example vocals</source><translation>{prompt!r} ist der Mix selbst; nennen Sie etwas daraus, etwa Gesang</translation></message>
    <message><source>{task} fills a region; drag over the waveform to choose one</source><translation>{task} füllt einen Bereich; ziehen Sie über die Wellenform, um einen zu wählen</translation></message>
    <message><source>{task} keeps the length of its file; leave seconds out, or give a region</source><translation>{task} lässt die Länge der Datei, wie sie ist; geben Sie keine Sekunden an, oder wählen Sie einen Bereich</translation></message>
    <message><source>{task} makes each stem by itself, in the order of the prompts; leave the order out</source><translation>{task} macht jeden Stem für sich, in der Reihenfolge der Prompts; lassen Sie die Reihenfolge weg</translation></message>
    <message><source>{task} makes sound from the prompt alone and takes no file; leave {value} out</source><translation>{task} arbeitet allein nach dem Prompt und nimmt keine Datei; lassen Sie {value} weg</translation></message>
    <message><source>{task} makes what it is told to, and {prompt!r} says only what is not wanted; say what is wanted, for example violin</source><translation>{task} macht, was verlangt wird, aber {prompt!r} sagt nur, was nicht sein soll; sagen Sie, was sein soll, etwa Geige</translation></message>
    <message><source>{task} needs a mix; open or drop an audio file first</source><translation>{task} braucht einen Mix; öffnen Sie zuerst eine Audiodatei oder legen Sie eine ab</translation></message>
    <message><source>{task} needs a span to fill; give one inside the clip</source><translation>{task} braucht einen Abschnitt; wählen Sie einen innerhalb des Clips</translation></message>
    <message><source>{task} needs an audio file (the {slot}); give its path</source><translation>{task} braucht eine Audiodatei ({slot}); geben Sie ihren Pfad an</translation></message>
    <message><source>{task} needs the region to fill; give start and end in seconds, for example 12.5-20</source><translation>{task} braucht einen Bereich; geben Sie Anfang und Ende in Sekunden an, etwa 12.5-20</translation></message>
    <message><source>{task} puts nothing in the place of its prompt; leave the replacement out</source><translation>{task} ersetzt nichts; lassen Sie den Ersatz weg</translation></message>
    <message><source>{task} takes a named sound out of the mix, and {prompt!r} names only what is to stay; name what to take out, for example violin</source><translation>{task} holt etwas Genanntes aus dem Mix, aber {prompt!r} nennt nur, was bleiben soll; nennen Sie, was heraus soll, etwa Geige</translation></message>
    <message><source>{task} takes no region; leave it out</source><translation>{task} nimmt keinen Bereich; lassen Sie ihn weg</translation></message>
    <message><source>{task} takes no rest file; leave it out</source><translation>{task} nimmt keine Rest-Datei; lassen Sie sie weg</translation></message>
    <message><source>{task} takes no slot; leave {slot!r} out, or choose one of {able}</source><translation>{task} nimmt keinen Slot; lassen Sie {slot!r} weg, oder wählen Sie {able}</translation></message>
    <message><source>{task} takes no {option}; leave it out, or choose {able}</source><translation>{option} gibt es bei {task} nicht; lassen Sie es weg, oder wählen Sie {able}</translation></message>
    <message><source>{text!r} is not a file name; give the path of a picture, a video or a sound</source><translation>{text!r} ist kein Dateiname; geben Sie den Pfad eines Bildes, Videos oder Klangs an</translation></message>
    <message><source>{title} did not work: {reason}</source><translation>{title} ging nicht: {reason}</translation></message>
    <message><source>{where} answered with values that are no numbers; use another bundle</source><translation>{where} lieferte Werte, die keine Zahlen sind; benutzen Sie ein anderes Modell</translation></message>
    <message><source>{where} has bundle format {format}, this engine reads up to {newest}; update the engine</source><translation>{where} hat das Modellformat {format}, diese Engine liest bis {newest}; aktualisieren Sie Fluxstem</translation></message>
    <message><source>{where} holds no wordings ({error}); get the bundle again</source><translation>{where} enthält keine Wendungen ({error}); laden Sie das Modell neu herunter</translation></message>
    <message><source>{where} is a separator and knows {known}, not {prompt!r}; name one of these, or choose another bundle</source><translation>{where} kann nur trennen und kennt {known}, nicht {prompt!r}; nennen Sie eines davon, oder wählen Sie ein anderes Modell</translation></message>
    <message><source>{where} is not JSON ({reason}); get the bundle again</source><translation>{where} ist kein JSON ({reason}); laden Sie das Modell neu herunter</translation></message>
    <message><source>{where} is not a bundle manifest: it has no format number; get the bundle again</source><translation>{where} ist kein Manifest eines Modells: die Formatnummer fehlt; laden Sie das Modell neu herunter</translation></message>
    <message><source>{where} is not a usable manifest ({reason}); get the bundle again</source><translation>{where} ist kein brauchbares Manifest ({reason}); laden Sie das Modell neu herunter</translation></message>
    <message><source>{where} is not the manifest of a separator; choose another bundle</source><translation>{where} ist nicht das Manifest eines Separators; wählen Sie ein anderes Modell</translation></message>
    <message><source>en</source><translation>de</translation></message>
    <message><source>Clear the words</source><translation>Die Worte löschen</translation></message>
    <message><source>Click to remove this word</source><translation>Klicken, um dieses Wort zu entfernen</translation></message>
    <message><source>Names to choose from</source><translation>Namen zur Auswahl</translation></message>
    <message><source>4 stems</source><translation>4 Stems</translation></message>
    <message><source>= mix</source><translation>= Mix</translation></message>
    <message><source>A new part that fits the music</source><translation>Eine neue Stimme, die zur Musik passt</translation></message>
    <message><source>A sound from words alone</source><translation>Ein Klang nur aus Worten</translation></message>
    <message><source>Add a marker at the cursor</source><translation>Marke am Zeiger setzen</translation></message>
    <message><source>Add a marker here</source><translation>Hier eine Marke setzen</translation></message>
    <message><source>Add region</source><translation>Bereich hinzufügen</translation></message>
    <message><source>Advanced options that are set</source><translation>Gesetzte erweiterte Optionen</translation></message>
    <message><source>All files</source><translation>Alle Dateien</translation></message>
    <message><source>Audio, video and projects</source><translation>Audio, Video und Projekte</translation></message>
    <message><source>Auto</source><translation>Auto</translation></message>
    <message><source>Back to the estimate</source><translation>Zurück zur Schätzung</translation></message>
    <message><source>Band</source><translation>Band</translation></message>
    <message><source>Bar 1 at the cursor</source><translation>Takt 1 am Zeiger</translation></message>
    <message><source>Bar 1 begins here</source><translation>Takt 1 beginnt hier</translation></message>
    <message><source>Bar and beat</source><translation>Takt und Schlag</translation></message>
    <message><source>Bars and beats over the lanes</source><translation>Takte und Schläge über den Spuren</translation></message>
    <message><source>Bars are counted from the cursor</source><translation>Takte zählen ab dem Zeiger</translation></message>
    <message><source>Beats in a bar</source><translation>Schläge im Takt</translation></message>
    <message><source>C</source><translation>C</translation></message>
    <message><source>Change sound</source><translation>Klang ändern</translation></message>
    <message><source>Choose its time as the region</source><translation>Seine Zeit als Bereich wählen</translation></message>
    <message><source>Choose the output</source><translation>Ausgabe wählen</translation></message>
    <message><source>Click on every beat</source><translation>Klick auf jeden Schlag</translation></message>
    <message><source>Click on every beat (C)</source><translation>Klick auf jeden Schlag (C)</translation></message>
    <message><source>Click to hear all lanes again</source><translation>Klicken, um wieder alle Spuren zu hören</translation></message>
    <message><source>Click to play from here, drag to choose a region, Ctrl+wheel to zoom; Ctrl+drag drags the file out</source><translation>Klicken spielt ab hier, Ziehen wählt einen Bereich, Strg+Rad zoomt; Strg+Ziehen zieht die Datei heraus</translation></message>
    <message><source>Click to play from here; drag along the top for a region, click it twice to loop; the wheel zooms</source><translation>Klicken spielt ab hier; oben ziehen wählt einen Bereich, Doppelklick wiederholt ihn; das Rad zoomt</translation></message>
    <message><source>Continue</source><translation>Fortsetzen</translation></message>
    <message><source>Copy path of the mix without it</source><translation>Pfad des Mixes ohne sie kopieren</translation></message>
    <message><source>Delta</source><translation>Delta</translation></message>
    <message><source>Describe the rest</source><translation>Den Rest beschreiben</translation></message>
    <message><source>Describe the song</source><translation>Das Stück beschreiben</translation></message>
    <message><source>Describe the stem</source><translation>Den Stem beschreiben</translation></message>
    <message><source>Discard</source><translation>Verwerfen</translation></message>
    <message><source>Drag all</source><translation>Alle ziehen</translation></message>
    <message><source>Drag all stems into your DAW or a folder, as files; of several chosen lanes, those</source><translation>Alle Stems als Dateien in die DAW oder einen Ordner ziehen; sind mehrere Spuren gewählt, diese</translation></message>
    <message><source>Drag over a part to hear this take there</source><translation>Über einen Teil ziehen, um dort diesen Take zu hören</translation></message>
    <message><source>Drag this stem into your DAW or a folder, as a file; with Ctrl, the mix without it</source><translation>Diesen Stem als Datei in die DAW oder einen Ordner ziehen; mit Strg den Mix ohne ihn</translation></message>
    <message><source>Drag to make this lane higher, double-click to let it fit; Alt+wheel changes all</source><translation>Ziehen macht die Spur höher, Doppelklick passt sie ein; Alt+Rad ändert alle</translation></message>
    <message><source>Drum parts</source><translation>Trommeln einzeln</translation></message>
    <message><source>Duplicate</source><translation>Duplizieren</translation></message>
    <message><source>Estimated</source><translation>Geschätzt</translation></message>
    <message><source>Everything else</source><translation>Alles andere</translation></message>
    <message><source>Fade in to the cursor</source><translation>Bis zum Zeiger einblenden</translation></message>
    <message><source>Fade out from the cursor</source><translation>Ab dem Zeiger ausblenden</translation></message>
    <message><source>Faster</source><translation>Schneller</translation></message>
    <message><source>Fill the gap</source><translation>Lücke füllen</translation></message>
    <message><source>Fit everything, then the region</source><translation>Alles einpassen, dann den Bereich</translation></message>
    <message><source>Flatter waveforms</source><translation>Flachere Wellenformen</translation></message>
    <message><source>Fold</source><translation>Einklappen</translation></message>
    <message><source>Follow the cursor</source><translation>Dem Zeiger folgen</translation></message>
    <message><source>Forget what was changed here</source><translation>Änderungen hier vergessen</translation></message>
    <message><source>From nothing</source><translation>Aus dem Nichts</translation></message>
    <message><source>G</source><translation>G</translation></message>
    <message><source>Gain in dB</source><translation>Pegel in dB</translation></message>
    <message><source>Gain; drag with Shift for small steps, double-click for 0 dB</source><translation>Pegel; mit Umschalt in kleinen Schritten, Doppelklick für 0 dB</translation></message>
    <message><source>Go on after the end</source><translation>Nach dem Ende weiterspielen</translation></message>
    <message><source>Go on working</source><translation>Weiterarbeiten</translation></message>
    <message><source>Half as many beats</source><translation>Halb so viele Schläge</translation></message>
    <message><source>Hear here</source><translation>Hier hören</translation></message>
    <message><source>Hear the active take alone</source><translation>Nur den aktiven Take hören</translation></message>
    <message><source>Hear the delta</source><translation>Das Delta hören</translation></message>
    <message><source>Hear this take</source><translation>Diesen Take hören</translation></message>
    <message><source>Heard alone</source><translation>Allein zu hören</translation></message>
    <message><source>Heard here; click to add it to the prompt</source><translation>Hier gehört; Klicken fügt es dem Prompt hinzu</translation></message>
    <message><source>Hide the other takes</source><translation>Die anderen Takes ausblenden</translation></message>
    <message><source>Its lanes and takes have changed since it was saved.</source><translation>Spuren und Takes wurden seit dem Speichern geändert.</translation></message>
    <message><source>Jobs</source><translation>Aufträge</translation></message>
    <message><source>Key</source><translation>Tonart</translation></message>
    <message><source>Kick, snare, hats, cymbals, toms and everything else</source><translation>Kick, Snare, Hi-Hats, Becken, Toms und alles andere</translation></message>
    <message><source>L</source><translation>L</translation></message>
    <message><source>Left or right; drag up and down, double-click for the middle</source><translation>Links oder rechts; auf und ab ziehen, Doppelklick für die Mitte</translation></message>
    <message><source>Level</source><translation>Pegel</translation></message>
    <message><source>Level of what is heard</source><translation>Pegel dessen, was zu hören ist</translation></message>
    <message><source>Make new</source><translation>Neu machen</translation></message>
    <message><source>Marker before</source><translation>Vorige Marke</translation></message>
    <message><source>Move to {lane}</source><translation>Nach {lane} verschieben</translation></message>
    <message><source>N</source><translation>N</translation></message>
    <message><source>Name of the marker</source><translation>Name der Marke</translation></message>
    <message><source>New part</source><translation>Neue Stimme</translation></message>
    <message><source>Next marker</source><translation>Nächste Marke</translation></message>
    <message><source>No fades</source><translation>Keine Blenden</translation></message>
    <message><source>No jobs</source><translation>Keine Aufträge</translation></message>
    <message><source>One sound of the mix for another</source><translation>Einen Klang des Mixes gegen einen anderen</translation></message>
    <message><source>Output</source><translation>Ausgabe</translation></message>
    <message><source>Overview</source><translation>Übersicht</translation></message>
    <message><source>Peak level; the red lamp stays lit after clipping until you click it</source><translation>Spitzenpegel; die rote Lampe leuchtet nach Übersteuerung, bis Sie sie anklicken</translation></message>
    <message><source>Play from here</source><translation>Ab hier abspielen</translation></message>
    <message><source>Play something else in the region, fitting what is around it</source><translation>Im Bereich etwas anderes spielen, passend zum Umfeld</translation></message>
    <message><source>Play the region</source><translation>Bereich abspielen</translation></message>
    <message><source>Press it in time, three times or more</source><translation>Im Takt drücken, mindestens dreimal</translation></message>
    <message><source>Projects</source><translation>Projekte</translation></message>
    <message><source>Remove the chosen lanes</source><translation>Gewählte Spuren entfernen</translation></message>
    <message><source>Remove the marker</source><translation>Marke entfernen</translation></message>
    <message><source>Rename the marker</source><translation>Marke umbenennen</translation></message>
    <message><source>Run it (Ctrl+Return)</source><translation>Ausführen (Strg+Eingabe)</translation></message>
    <message><source>Save “{title}” first?</source><translation>„{title}“ zuerst speichern?</translation></message>
    <message><source>Sensitivity: left is clean, right is full; what one lane gains the rest loses, double-click for usual</source><translation>Empfindlichkeit: links sauber, rechts voll; was eine Spur gewinnt, verliert der Rest, Doppelklick für normal</translation></message>
    <message><source>Set under Advanced; click for the usual value</source><translation>Unter „Erweitert“ gesetzt; Klicken stellt den üblichen Wert her</translation></message>
    <message><source>Several parts that fit each other</source><translation>Mehrere Stimmen, die zueinander passen</translation></message>
    <message><source>Shift+M</source><translation>Umschalt+M</translation></message>
    <message><source>Show all jobs (Ctrl+J)</source><translation>Alle Aufträge zeigen (Strg+J)</translation></message>
    <message><source>Show all takes</source><translation>Alle Takes zeigen</translation></message>
    <message><source>Show all takes below the lane, to hear one in one part and one in another</source><translation>Alle Takes unter der Spur zeigen, um in jedem Teil einen anderen zu hören</translation></message>
    <message><source>Shows whether the lanes that are heard add up to the mix</source><translation>Zeigt, ob die hörbaren Spuren den Mix ergeben</translation></message>
    <message><source>Slower</source><translation>Langsamer</translation></message>
    <message><source>Snap the ends of regions</source><translation>Enden von Bereichen einrasten</translation></message>
    <message><source>Source</source><translation>Quelle</translation></message>
    <message><source>Split at the cursor</source><translation>Am Zeiger teilen</translation></message>
    <message><source>Split further …</source><translation>Weiter zerlegen …</translation></message>
    <message><source>Stop and leave</source><translation>Abbrechen und verlassen</translation></message>
    <message><source>Stop looping</source><translation>Wiederholung beenden</translation></message>
    <message><source>Stop the work in progress?</source><translation>Laufende Arbeit abbrechen?</translation></message>
    <message><source>Suggestions</source><translation>Vorschläge</translation></message>
    <message><source>Sum</source><translation>Summe</translation></message>
    <message><source>Swap</source><translation>Austauschen</translation></message>
    <message><source>Take apart</source><translation>Zerlegen</translation></message>
    <message><source>Take back all brush strokes</source><translation>Alle Pinselstriche zurücknehmen</translation></message>
    <message><source>Take back what was moved here</source><translation>Hier Verschobenes zurücknehmen</translation></message>
    <message><source>Taller waveforms</source><translation>Höhere Wellenformen</translation></message>
    <message><source>Tap</source><translation>Tippen</translation></message>
    <message><source>Tempo</source><translation>Tempo</translation></message>
    <message><source>Tempo, bars and key</source><translation>Tempo, Takte und Tonart</translation></message>
    <message><source>Tempo, bars and key …</source><translation>Tempo, Takte und Tonart …</translation></message>
    <message><source>The mix without a named sound</source><translation>Der Mix ohne einen genannten Klang</translation></message>
    <message><source>The rest</source><translation>Den Rest</translation></message>
    <message><source>The same notes on another instrument</source><translation>Dieselben Töne auf einem anderen Instrument</translation></message>
    <message><source>The song</source><translation>Das Stück</translation></message>
    <message><source>The whole song: drag the frame to move, its ends to zoom; a double click plays there</source><translation>Das ganze Stück: den Rahmen ziehen verschiebt, seine Enden zoomen; Doppelklick spielt dort</translation></message>
    <message><source>These jobs are not done yet:</source><translation>Diese Aufträge sind noch nicht fertig:</translation></message>
    <message><source>Twice as many beats</source><translation>Doppelt so viele Schläge</translation></message>
    <message><source>Two lanes: the vocals and everything else</source><translation>Zwei Spuren: der Gesang und alles andere</translation></message>
    <message><source>Type the gain in dB</source><translation>Pegel in dB eingeben</translation></message>
    <message><source>Unfold</source><translation>Ausklappen</translation></message>
    <message><source>Usual speed and pitch</source><translation>Übliches Tempo, übliche Tonhöhe</translation></message>
    <message><source>Vocals / instrumental</source><translation>Gesang / instrumental</translation></message>
    <message><source>Vocals, drums, bass and everything else</source><translation>Gesang, Schlagzeug, Bass und alles andere</translation></message>
    <message><source>What can be done with this lane; a right click does the same</source><translation>Was mit dieser Spur geht; ein Rechtsklick zeigt dasselbe</translation></message>
    <message><source>What is heard adds up to the mix exactly</source><translation>Was zu hören ist, ergibt genau den Mix</translation></message>
    <message><source>What is heard is not the mix: the difference is this far from it</source><translation>Was zu hören ist, ist nicht der Mix: so groß ist der Unterschied</translation></message>
    <message><source>Zoom to the region</source><translation>Auf den Bereich zoomen</translation></message>
    <message><source>a guess</source><translation>geraten</translation></message>
    <message><source>hold for more</source><translation>halten für mehr</translation></message>
    <message><source>likely</source><translation>wahrscheinlich</translation></message>
    <message><source>not found</source><translation>nicht gefunden</translation></message>
    <message><source>sure</source><translation>sicher</translation></message>
    <message><source>there are no stems to drag yet</source><translation>es gibt noch keine Stems zum Ziehen</translation></message>
    <message><source>unknown</source><translation>unbekannt</translation></message>
    <message><source>words alone</source><translation>nur Worte</translation></message>
    <message><source>writing</source><translation>schreibe</translation></message>
    <message><source>Open recent</source><translation>Zuletzt geöffnet</translation></message>
    <message><source>not there any more</source><translation>nicht mehr da</translation></message>
    <message><source>What are they?</source><translation>Was sind sie?</translation></message>
    <message><source>Add all as lanes</source><translation>Alle als Spuren hinzufügen</translation></message>
    <message><source>{count} files were dropped</source><translation>{count} Dateien abgelegt</translation></message>
    <message><source>Open {file}, the others as its lanes</source><translation>{file} öffnen, die anderen als Spuren</translation></message>
    <message><source>Drop to open</source><translation>Ablegen öffnet</translation></message>
    <message><source>Opening</source><translation>Öffne</translation></message>
    <message><source>Do what the prompt says with each</source><translation>Mit jeder tun, was im Prompt steht</translation></message>
    <message><source>{task} cannot be done for several files; open them one by one</source><translation>{task} geht nicht mit mehreren Dateien; öffne sie einzeln</translation></message>
    <message><source>a job that was left behind cannot be read ({reason})</source><translation>Ein liegen gebliebener Auftrag ist nicht lesbar ({reason})</translation></message>
    <message><source>works on {devices}</source><translation>läuft auf {devices}</translation></message>
    <message><source>no device can run a model: {reason}</source><translation>kein Gerät kann ein Modell ausführen: {reason}</translation></message>
    <message><source>{count} devices</source><translation>{count} Geräte</translation></message>
    <message><source>no output device; everything but playback works</source><translation>kein Ausgabegerät; alles außer der Wiedergabe geht</translation></message>
    <message><source>{names}</source><translation>{names}</translation></message>
    <message><source>no bundle can be used; add one under Bundles</source><translation>kein Modell ist benutzbar; fügen Sie unter „Modelle“ eines hinzu</translation></message>
    <message><source>{folder} cannot be written to</source><translation>{folder} ist nicht beschreibbar</translation></message>
    <message><source>{free:.0f} GB free</source><translation>{free:.0f} GB frei</translation></message>
    <message><source>works</source><translation>geht</translation></message>
    <message><source>does not work</source><translation>geht nicht</translation></message>
    <message><source>Everything works</source><translation>Alles in Ordnung</translation></message>
    <message><source>Something is missing</source><translation>Etwas fehlt</translation></message>
    <message><source>Disk</source><translation>Festplatte</translation></message>
    <message><source>Sound</source><translation>Ton</translation></message>
    <message><source>Remove the folder</source><translation>Ordner entfernen</translation></message>
    <message><source>Folder that clips may lie in</source><translation>Ordner für Clips</translation></message>
    <message><source>Estimate tempo and key of what is opened</source><translation>Tempo und Tonart beim Öffnen schätzen</translation></message>
    <message><source>Prompts</source><translation>Prompts</translation></message>
    <message><source>words</source><translation>Worte</translation></message>
    <message><source>Experts</source><translation>Experten</translation></message>
    <message><source>Only the region</source><translation>Nur den Bereich</translation></message>
    <message><source>Open folder</source><translation>Ordner öffnen</translation></message>
    <message><source>With faders and pans, as you hear it</source><translation>Mit Reglern und Panorama, wie zu hören</translation></message>
    <message><source>Each stem with its fader and pan</source><translation>Jeder Stem mit Regler und Panorama</translation></message>
    <message><source>The ticked stems are taken away with their faders and pans</source><translation>Die angehakten Stems werden mit Reglern und Panorama abgezogen</translation></message>
    <message><source>“{words}”</source><translation>„{words}“</translation></message>
    <message><source>Do not follow</source><translation>Nicht folgen</translation></message>
    <message><source>Follow page by page</source><translation>Seitenweise folgen</translation></message>
    <message><source>Keep the cursor in the middle</source><translation>Den Cursor in der Mitte halten</translation></message>
    <message><source>Estimating is switched off in the settings; set tempo and key here</source><translation>Das Schätzen ist in den Einstellungen ausgeschaltet; Tempo und Tonart hier eintragen</translation></message>
    <message><source>Listening for tempo and key …</source><translation>Tempo und Tonart werden gesucht …</translation></message>
    <message><source>Snap to bars</source><translation>An Takten einrasten</translation></message>
    <message><source>Snap to beats</source><translation>An Schlägen einrasten</translation></message>
    <message><source>Snap to zero crossings</source><translation>An Nulldurchgängen einrasten</translation></message>
    <message><source>Tempo and key could not be estimated; set them here</source><translation>Tempo und Tonart ließen sich nicht schätzen; hier eintragen</translation></message>
    <message><source>To have tempo and key estimated, install the extra “tempo”; or set them here</source><translation>Damit Tempo und Tonart geschätzt werden, das Extra „tempo“ installieren; oder sie hier eintragen</translation></message>
    <message><source>A double click goes back to the usual place</source><translation>Ein Doppelklick führt zur üblichen Stellung zurück</translation></message>
    <message><source>Only for listening: files and exports stay as they are</source><translation>Nur zum Hören: Dateien und Exporte bleiben, wie sie sind</translation></message>
    <message><source>Pitch</source><translation>Tonhöhe</translation></message>
    <message><source>Speed</source><translation>Geschwindigkeit</translation></message>
    <message><source>Speed and pitch of playback</source><translation>Geschwindigkeit und Tonhöhe der Wiedergabe</translation></message>
    <message><source>Speed and pitch of playback, for practice (Ctrl+Alt+Left, Ctrl+Alt+Right); files are not changed</source><translation>Geschwindigkeit und Tonhöhe der Wiedergabe, zum Üben (Strg+Alt+Links, Strg+Alt+Rechts); Dateien bleiben unverändert</translation></message>
    <message><source>semitone</source><translation>Halbton</translation></message>
    <message><source>semitones</source><translation>Halbtöne</translation></message>
    <message><source>Brush</source><translation>Pinsel</translation></message>
    <message><source>Drag over time and frequency, then move what is inside to another lane</source><translation>Über Zeit und Frequenz ziehen, dann den Inhalt auf eine andere Spur verschieben</translation></message>
    <message><source>Drag over time to choose a region</source><translation>Über die Zeit ziehen, um einen Bereich zu wählen</translation></message>
    <message><source>Paint over frequencies to move them to another lane</source><translation>Frequenzen übermalen, um sie auf eine andere Spur zu verschieben</translation></message>
    <message><source>Rectangle</source><translation>Rechteck</translation></message>
    <message><source>Region</source><translation>Bereich</translation></message>
    <message><source>Isolate …</source><translation>Isolieren …</translation></message>
    <message><source>the mix</source><translation>der Mix</translation></message>
    <message><source>Folders that clips may lie in, besides your home folder</source><translation>Ordner, in denen Clips liegen dürfen, außer dem persönlichen</translation></message>
    <message><source>As it was opened</source><translation>Wie geöffnet</translation></message>
    <message><source>History</source><translation>Verlauf</translation></message>
    <message><source>add a marker</source><translation>Marke hinzufügen</translation></message>
    <message><source>add {name}</source><translation>{name} hinzufügen</translation></message>
    <message><source>bar 1</source><translation>Takt 1</translation></message>
    <message><source>brush {lane} to {target}</source><translation>Pinsel von {lane} nach {target}</translation></message>
    <message><source>change a height</source><translation>Höhe ändern</translation></message>
    <message><source>choose a take</source><translation>Take wählen</translation></message>
    <message><source>clear solo</source><translation>Solo aufheben</translation></message>
    <message><source>comp {lane}</source><translation>{lane} zusammenstellen</translation></message>
    <message><source>double tempo</source><translation>doppeltes Tempo</translation></message>
    <message><source>duplicate {lane}</source><translation>{lane} verdoppeln</translation></message>
    <message><source>estimated tempo</source><translation>geschätztes Tempo</translation></message>
    <message><source>fade {lane}</source><translation>{lane} blenden</translation></message>
    <message><source>fold {lane}</source><translation>{lane} zuklappen</translation></message>
    <message><source>gain of {lane}</source><translation>Pegel von {lane}</translation></message>
    <message><source>half tempo</source><translation>halbes Tempo</translation></message>
    <message><source>key</source><translation>Tonart</translation></message>
    <message><source>meter</source><translation>Taktart</translation></message>
    <message><source>move a marker</source><translation>Marke verschieben</translation></message>
    <message><source>move {lane}</source><translation>{lane} verschieben</translation></message>
    <message><source>mute {lane}</source><translation>{lane} stumm schalten</translation></message>
    <message><source>pan of {lane}</source><translation>Panorama von {lane}</translation></message>
    <message><source>remove a marker</source><translation>Marke entfernen</translation></message>
    <message><source>remove {lanes}</source><translation>{lanes} entfernen</translation></message>
    <message><source>rename a marker</source><translation>Marke umbenennen</translation></message>
    <message><source>rename {lane}</source><translation>{lane} umbenennen</translation></message>
    <message><source>sensitivity of {lane}</source><translation>Empfindlichkeit von {lane}</translation></message>
    <message><source>solo {lane}</source><translation>{lane} solo</translation></message>
    <message><source>split {lane}</source><translation>{lane} teilen</translation></message>
    <message><source>take back a brush stroke</source><translation>Pinselstrich zurücknehmen</translation></message>
    <message><source>take back all brush strokes</source><translation>alle Pinselstriche zurücknehmen</translation></message>
    <message><source>tempo</source><translation>Tempo</translation></message>
    <message><source>unfold {lane}</source><translation>{lane} aufklappen</translation></message>
    <message><source>{title}</source><translation>{title}</translation></message>
    <message><source>heard: {share} %</source><translation>gehört: {share} %</translation></message>
    <message><source>say in a few words what plays in the region, for example piano</source><translation>sagen Sie mit ein paar Worten, was in der Region spielt, zum Beispiel Klavier</translation></message>
    <message><source>say in a few words what to continue, for example synth bass</source><translation>sagen Sie mit ein paar Worten, was weitergehen soll, zum Beispiel Synthbass</translation></message>
    <message><source>say in a few words what to make, for example a slow cello line</source><translation>sagen Sie mit ein paar Worten, was entstehen soll, zum Beispiel eine langsame Cellolinie</translation></message>
    <message><source>say in a few words what to play instead, for example electric guitar</source><translation>sagen Sie mit ein paar Worten, was stattdessen spielen soll, zum Beispiel E-Gitarre</translation></message>
    <message><source>say in a few words what to play it on, for example trumpet</source><translation>sagen Sie mit ein paar Worten, was es spielen soll, zum Beispiel Trompete</translation></message>
    <message><source>say in a few words what to remove, for example vocals</source><translation>sagen Sie mit ein paar Worten, was entfernt werden soll, zum Beispiel Gesang</translation></message>
    <message><source>say in a few words what to replace, for example violin</source><translation>sagen Sie mit ein paar Worten, was ersetzt werden soll, zum Beispiel Geige</translation></message>
    <message><source>say in a few words who plays in the band, for example drums, bass, piano</source><translation>sagen Sie mit ein paar Worten, wer in der Band spielt, zum Beispiel Schlagzeug, Bass, Klavier</translation></message>
    <message><source>no output device was found</source><translation>kein Ausgabegerät gefunden</translation></message>
    <message><source>the chosen device is not there any more</source><translation>das gewählte Gerät ist nicht mehr da</translation></message>
    <message><source>the device does not play at this sample rate</source><translation>das Gerät spielt nicht mit dieser Abtastrate</translation></message>
    <message><source>the device has no two channels</source><translation>das Gerät hat keine zwei Kanäle</translation></message>
    <message><source>another program uses the device</source><translation>ein anderes Programm benutzt das Gerät</translation></message>
    <message><source>its contents are damaged or of an unknown kind</source><translation>ihr Inhalt ist beschädigt oder von unbekannter Art</translation></message>
    <message><source>it ends too early</source><translation>sie endet zu früh</translation></message>
    <message><source>Sound settings …</source><translation>Klangeinstellungen …</translation></message>
    <message><source>a part of the spectrum</source><translation>ein Teil des Spektrums</translation></message>
    <message><source>Hear only this</source><translation>Nur das hören</translation></message>
    <message><source>--no-token lets every program of this machine in, so it goes with neither --lan nor --token-file; leave one of them out</source><translation>--no-token lässt jedes Programm dieses Rechners herein und verträgt sich deshalb weder mit --lan noch mit --token-file; lassen Sie eines davon weg</translation></message>
    <message><source>--plain-token is for other machines, and this one always may; add --lan or leave it out</source><translation>--plain-token ist für andere Rechner, dieser darf immer; geben Sie auch --lan an oder lassen Sie es weg</translation></message>
    <message><source>a tempo of {bpm:g} is not allowed; give {low:g} to {high:g} beats per minute</source><translation>ein Tempo von {bpm:g} ist nicht erlaubt; geben Sie {low:g} bis {high:g} Schläge pro Minute an</translation></message>
    <message><source>a token needs at least {shortest} bytes; write a longer one into the file</source><translation>ein Token braucht mindestens {shortest} Byte; schreiben Sie einen längeren in die Datei</translation></message>
    <message><source>all is well</source><translation>alles in Ordnung</translation></message>
    <message><source>an Ardour session has one sample rate, and these stems have {rates} Hz; put each rate in its own</source><translation>eine Ardour-Session hat eine einzige Abtastrate, diese Stems haben {rates} Hz; machen Sie für jede Rate eine eigene</translation></message>
    <message><source>an Ardour session keeps its sounds inside; leave --link out, or choose dawproject or rpp</source><translation>eine Ardour-Session enthält ihre Klänge selbst; lassen Sie --link weg, oder wählen Sie dawproject oder rpp</translation></message>
    <message><source>another process is at this job; wait for it</source><translation>ein anderer Prozess arbeitet an diesem Auftrag; warten Sie auf ihn</translation></message>
    <message><source>audio devices: {count}</source><translation>Audiogeräte: {count}</translation></message>
    <message><source>audio devices: {why}</source><translation>Audiogeräte: {why}</translation></message>
    <message><source>bundle {name}: {why}</source><translation>Modell {name}: {why}</translation></message>
    <message><source>cannot be listed ({error}); only playback needs them</source><translation>lassen sich nicht auflisten ({error}); nur die Wiedergabe braucht sie</translation></message>
    <message><source>cannot be written to ({reason})</source><translation>nicht beschreibbar ({reason})</translation></message>
    <message><source>cannot use {folder} ({why}); make room there, or choose another folder</source><translation>{folder} ist nicht zu gebrauchen ({why}); schaffen Sie dort Platz, oder wählen Sie einen anderen Ordner</translation></message>
    <message><source>cannot write {path} ({reason}); make room or choose another data folder</source><translation>{path} lässt sich nicht schreiben ({reason}); schaffen Sie Platz, oder wählen Sie einen anderen Datenordner</translation></message>
    <message><source>chain</source><translation>Effektkette</translation></message>
    <message><source>chain before</source><translation>Effektkette davor</translation></message>
    <message><source>chain_on</source><translation>Effektkette auf</translation></message>
    <message><source>chains need pedalboard, which is not installed; install the extra plugins: pip install 'fluxstem[plugins]'</source><translation>Effektketten brauchen pedalboard, das nicht installiert ist; installieren Sie das Extra plugins: pip install 'fluxstem[plugins]'</translation></message>
    <message><source>decode the file</source><translation>dekodiert die Datei</translation></message>
    <message><source>delay_samples {value!r} of {effect} is not allowed; give a whole number from 0 to {most}</source><translation>delay_samples {value!r} bei {effect} ist nicht erlaubt; geben Sie eine ganze Zahl von 0 bis {most} an</translation></message>
    <message><source>device {asked}: works, got {got}</source><translation>Gerät {asked}: geht, benutzt wird {got}</translation></message>
    <message><source>Core ML</source><translation>Core ML</translation></message>
    <message><source>DirectML</source><translation>DirectML</translation></message>
    <message><source>OpenVINO</source><translation>OpenVINO</translation></message>
    <message><source>WebGPU</source><translation>WebGPU</translation></message>
    <message><source>unknown command with keys {keys}; send submit, warm or cancel</source><translation>unbekannter Befehl mit den Schlüsseln {keys}; senden Sie submit, warm oder cancel</translation></message>
    <message><source>the process that puts the file through its chain died; ask again</source><translation>der Prozess, der die Datei durch ihre Kette schickt, ist gestorben; fragen Sie noch einmal</translation></message>
    <message><source>TensorRT's engines of bundle {bundle}: {built} of {count} are built</source><translation>TensorRTs Maschinen für das Bundle {bundle}: {built} von {count} sind gebaut</translation></message>
    <message><source>card {index}: {name}, {memory:.0f} GB, of which {free:.1f} are free, driver {driver}</source><translation>Karte {index}: {name}, {memory:.0f} GB, davon {free:.1f} frei, Treiber {driver}</translation></message>
    <message><source>not every engine could be built: {reason}</source><translation>nicht jede Maschine konnte gebaut werden: {reason}</translation></message>
    <message><source>the process that builds engines could not be started ({error})</source><translation>der Prozess, der Maschinen baut, konnte nicht gestartet werden ({error})</translation></message>
    <message><source>there is no {device}:{index}; {count} were found, counted from 0</source><translation>{device}:{index} gibt es nicht; gefunden wurden {count}, gezählt ab 0</translation></message>
    <message><source>this machine has an NVIDIA card, and no runtime uses it; see DEVICES.md for what to install</source><translation>dieser Rechner hat eine NVIDIA-Karte, und keine Laufzeit benutzt sie; DEVICES.md sagt, was zu installieren ist</translation></message>
    <message><source>{card} has {free:.1f} GB free, and one window of {bundle} takes more; close other programs, or choose --device cpu</source><translation>{card} hat {free:.1f} GB frei, und ein Fenster von {bundle} braucht mehr; schließen Sie andere Programme, oder wählen Sie --device cpu</translation></message>
    <message><source>{graph}: operations {share}</source><translation>{graph}: Operationen {share}</translation></message>
    <message><source>{graph}: operations {share}; left to the CPU: {left}</source><translation>{graph}: Operationen {share}; der CPU überlassen: {left}</translation></message>
    <message><source>note: {sentence}</source><translation>Hinweis: {sentence}</translation></message>
    <message><source>{reason}</source><translation>{reason}</translation></message>
    <message><source>the device broke down while it ran {graph} ({reason})</source><translation>das Gerät ist ausgefallen, während es {graph} ausführte ({reason})</translation></message>
    <message><source>{device} cannot open {graph} ({reason}), so that all graphs move to the next device</source><translation>{device} kann {graph} nicht öffnen ({reason}), deshalb ziehen alle Graphen zum nächsten Gerät um</translation></message>
    <message><source>TensorRT for RTX</source><translation>TensorRT für RTX</translation></message>
    <message><source>{notes}</source><translation>{notes}</translation></message>
    <message><source>fluxstem {engine_version}, Python {python}, {platform}</source><translation>fluxstem {engine_version}, Python {python}, {platform}</translation></message>
    <message><source>hearing the tempo needs librosa; install it with: pip install 'fluxstem[tempo]', or give --tempo a number</source><translation>um das Tempo zu hören, braucht es librosa; installieren Sie es mit: pip install 'fluxstem[tempo]', oder geben Sie bei --tempo eine Zahl an</translation></message>
    <message><source>no device can run a graph: {why}</source><translation>kein Gerät kann ein Modell ausführen: {why}</translation></message>
    <message><source>no name is free in {folder}</source><translation>in {folder} ist kein Name frei</translation></message>
    <message><source>no plug-in {name} was found; install it and run fluxstem plugins scan, or take it out of the chain</source><translation>kein Plug-in {name} gefunden; installieren Sie es und rufen Sie fluxstem plugins scan auf, oder nehmen Sie es aus der Effektkette</translation></message>
    <message><source>no process can be started to try it in ({reason}: {program})</source><translation>zum Ausprobieren lässt sich kein Prozess starten ({reason}: {program})</translation></message>
    <message><source>no steady beat is heard in {path}; give --tempo a number</source><translation>in {path} ist kein gleichmäßiger Takt zu hören; geben Sie bei --tempo eine Zahl an</translation></message>
    <message><source>no usable bundle is installed; looked in {places}</source><translation>kein brauchbares Modell ist installiert; gesucht wurde in {places}</translation></message>
    <message><source>not looked at; sounddevice is not installed (only playback needs it)</source><translation>nicht geprüft; sounddevice ist nicht installiert (nur die Wiedergabe braucht es)</translation></message>
    <message><source>on {value!r} of {effect} is not allowed; give true or false</source><translation>on {value!r} bei {effect} ist nicht erlaubt; geben Sie true oder false an</translation></message>
    <message><source>packages: {packages}</source><translation>Pakete: {packages}</translation></message>
    <message><source>problem: {sentence}</source><translation>Problem: {sentence}</translation></message>
    <message><source>solo and mute: heard after about {ring_ms:.0f} ms in the buffer and {device_ms:.0f} ms in the device, as it reports ({device})</source><translation>Solo und Stumm: zu hören nach etwa {ring_ms:.0f} ms im Puffer und {device_ms:.0f} ms im Gerät, wie es selbst angibt ({device})</translation></message>
    <message><source>stems cannot be made here until the problems are solved</source><translation>bis die Probleme gelöst sind, lassen sich hier keine Stems machen</translation></message>
    <message><source>stems that add up to the mix leave a stem, not a rest; leave out what the chain is on</source><translation>Stems, die zusammen den Mix ergeben, lassen einen Stem übrig, keinen Rest; lassen Sie weg, worauf die Effektkette liegt</translation></message>
    <message><source>the cache folder {path} cannot be written to, so TensorRT has to build every time</source><translation>der Zwischenspeicher {path} ist nicht beschreibbar, deshalb muss TensorRT jedes Mal neu bauen</translation></message>
    <message><source>the chain {path} cannot be read ({reason}); check that it may be read</source><translation>die Effektkette {path} lässt sich nicht lesen ({reason}); prüfen Sie, ob sie gelesen werden darf</translation></message>
    <message><source>the chain {path} is empty, no file, or over {most} bytes</source><translation>die Effektkette {path} ist leer, keine Datei, oder größer als {most} Byte</translation></message>
    <message><source>the folder for temporary files, {path}, cannot be written to</source><translation>der Ordner für vorläufige Dateien, {path}, ist nicht beschreibbar</translation></message>
    <message><source>the folder {folder} belongs to another user; choose another with --home</source><translation>der Ordner {folder} gehört jemand anderem; wählen Sie mit --home einen anderen</translation></message>
    <message><source>the parameters of {effect} are no names with numbers or texts</source><translation>die Parameter von {effect} sind keine Namen mit Zahlen oder Texten</translation></message>
    <message><source>the plug-in {name} cannot be in a chain: it {why}</source><translation>das Plug-in {name} kann nicht in eine Effektkette: {why}</translation></message>
    <message><source>the plug-in {name} is in quarantine: it {why}; fluxstem plugins scan --again {path} gives it another try</source><translation>das Plug-in {name} ist in Quarantäne: {why}; fluxstem plugins scan --again {path} versucht es noch einmal</translation></message>
    <message><source>the preset {path} cannot be read ({reason}); check the path</source><translation>das Preset {path} lässt sich nicht lesen ({reason}); prüfen Sie den Pfad</translation></message>
    <message><source>the preset {preset} of {effect} has to be a file beside the chain's own file</source><translation>das Preset {preset} von {effect} muss eine Datei neben der Datei der Effektkette sein</translation></message>
    <message><source>the process of the chain did not answer for {limit_s:g} s and was given up; try again</source><translation>der Prozess der Effektkette antwortete {limit_s:g} s lang nicht und wurde aufgegeben; versuchen Sie es noch einmal</translation></message>
    <message><source>the process of the chain {how}: {words}; set FLUXSTEM_DEBUG=1 to see more</source><translation>der Prozess der Effektkette {how}: {words}; mit FLUXSTEM_DEBUG=1 sehen Sie mehr</translation></message>
    <message><source>the runtime did not answer within {limit_s:g} s</source><translation>ONNX Runtime antwortete nicht innerhalb von {limit_s:g} s</translation></message>
    <message><source>the runtime ended with code {code}</source><translation>ONNX Runtime endete mit dem Code {code}</translation></message>
    <message><source>the runtime ended with code {code} ({words})</source><translation>ONNX Runtime endete mit dem Code {code} ({words})</translation></message>
    <message><source>the session needs a name; give a folder and a name, as songs/mix</source><translation>die Session braucht einen Namen; geben Sie Ordner und Namen an, etwa songs/mix</translation></message>
    <message><source>the state of {effect} is not base64</source><translation>der Zustand von {effect} ist nicht base64</translation></message>
    <message><source>the token in {path} is no secret, because other users may read or change it; make it yours alone: chmod 600 {path}</source><translation>der Token in {path} ist nicht geheim, denn andere dürfen ihn lesen oder ändern; machen Sie ihn zu Ihrem allein: chmod 600 {path}</translation></message>
    <message><source>the {name} of {chain} is no text</source><translation>{name} in {chain} ist kein Text</translation></message>
    <message><source>the {part} {file} that {name} speaks of is gone; put it back, or name the other files alone</source><translation>{file} ({part}), wovon {name} spricht, ist nicht mehr da; legen Sie es zurück, oder nennen Sie nur die anderen Dateien</translation></message>
    <message><source>there is no chain to be on the {part}; name one</source><translation>es gibt keine Effektkette für {part}; nennen Sie eine</translation></message>
    <message><source>there is no chain {chain!r}; name a file or one of {known}</source><translation>es gibt keine Effektkette {chain!r}; nennen Sie eine Datei oder eine von {known}</translation></message>
    <message><source>there is no result in the folder {path}; name stems, or the JSON beside them</source><translation>im Ordner {path} ist kein Ergebnis; nennen Sie Stems oder die JSON-Datei daneben</translation></message>
    <message><source>there is no room for temporary files ({reason}); make room and try again</source><translation>für vorläufige Dateien ist kein Platz ({reason}); schaffen Sie Platz, und versuchen Sie es noch einmal</translation></message>
    <message><source>there is no stem to put into the session; name at least one result</source><translation>es gibt keinen Stem für die Session; nennen Sie mindestens ein Ergebnis</translation></message>
    <message><source>unknown session format {format!r}; choose one of {formats}</source><translation>unbekanntes Session-Format {format!r}; wählen Sie eines von {formats}</translation></message>
    <message><source>warning: {sentence}</source><translation>Warnung: {sentence}</translation></message>
    <message><source>{beats} beats in a bar are not allowed; give {few} to {many}</source><translation>{beats} Schläge je Takt sind nicht erlaubt; geben Sie {few} bis {many} an</translation></message>
    <message><source>{chain} has chain format {number}, this program reads up to {newest}; update the program</source><translation>{chain} hat das Kettenformat {number}, dieses Programm liest bis {newest}; aktualisieren Sie das Programm</translation></message>
    <message><source>{chain} is not JSON ({error})</source><translation>{chain} ist kein JSON ({error})</translation></message>
    <message><source>{chain} is not a chain; it needs "fluxstem_chain": 1 and "effects"</source><translation>{chain} ist keine Effektkette; es braucht "fluxstem_chain": 1 und "effects"</translation></message>
    <message><source>{chain} is over {most} bytes</source><translation>{chain} ist größer als {most} Byte</translation></message>
    <message><source>{chain} needs a list of at most {most} effects</source><translation>{chain} braucht eine Liste von höchstens {most} Effekten</translation></message>
    <message><source>{chain} says {names}, which no chain has; leave it out</source><translation>{chain} nennt {names}, was keine Effektkette hat; lassen Sie es weg</translation></message>
    <message><source>{effect} has a state and a preset; leave one of them out</source><translation>{effect} hat einen Zustand und ein Preset; lassen Sie eines davon weg</translation></message>
    <message><source>{effect} has to name either a builtin or a plugin</source><translation>{effect} muss entweder ein builtin oder ein plugin nennen</translation></message>
    <message><source>{effect} is no object; name a builtin or a plugin</source><translation>{effect} ist kein Objekt; nennen Sie ein builtin oder ein plugin</translation></message>
    <message><source>{effect} names the builtin {name!r}; choose one of {known}</source><translation>{effect} nennt das builtin {name!r}; wählen Sie eines von {known}</translation></message>
    <message><source>{error}</source><translation>{error}</translation></message>
    <message><source>{key} {value!r} of {effect} is not allowed; give true or false</source><translation>{key} {value!r} bei {effect} ist nicht erlaubt; geben Sie true oder false an</translation></message>
    <message><source>{name} folder: {path}, writable</source><translation>Ordner {name}: {path}, beschreibbar</translation></message>
    <message><source>{name} folder: {path}, {why}</source><translation>Ordner {name}: {path}, {why}</translation></message>
    <message><source>{name} in {effect} has no parameter {key!r}; it has {known}</source><translation>{name} in {effect} hat keinen Parameter {key!r}; es hat {known}</translation></message>
    <message><source>{name} {value!r} of {chain} is not allowed; give a number from {low:g} to {high:g}</source><translation>{name} {value!r} in {chain} ist nicht erlaubt; geben Sie eine Zahl von {low:g} bis {high:g} an</translation></message>
    <message><source>{name} {why}</source><translation>{name} {why}</translation></message>
    <message><source>{packages} are both installed and share one folder, so the last one installed wins; uninstall both, then install one</source><translation>{packages} sind beide installiert und teilen sich einen Ordner, sodass das zuletzt installierte gilt; deinstallieren Sie beide, und installieren Sie dann eines</translation></message>
    <message><source>{path} is no plain file; give a file with the token</source><translation>{path} ist keine gewöhnliche Datei; geben Sie eine Datei mit dem Token an</translation></message>
    <message><source>{path} is not a .vstpreset of at most {most} bytes</source><translation>{path} ist kein .vstpreset von höchstens {most} Byte</translation></message>
    <message><source>{path} is of a kind that DAWs do not share; make it again with --format wav24 or flac</source><translation>{path} ist von einer Art, die DAWs nicht gemeinsam haben; machen Sie es neu mit --format wav24 oder flac</translation></message>
    <message><source>{task} gives no {part} that a chain could be on; leave --chain-on out</source><translation>{task} ergibt nichts ({part}), worauf eine Effektkette liegen könnte; lassen Sie --chain-on weg</translation></message>
    <message><source>Add</source><translation>Hinzufügen</translation></message>
    <message><source>Built-in effects and plug-ins; what they make is another take</source><translation>Eingebaute Effekte und Plug-ins; was sie ergeben, ist ein weiterer Take</translation></message>
    <message><source>Chain</source><translation>Effektkette</translation></message>
    <message><source>Compare two chains</source><translation>Zwei Effektketten vergleichen</translation></message>
    <message><source>Copy to the other</source><translation>In die andere kopieren</translation></message>
    <message><source>Down</source><translation>Nach unten</translation></message>
    <message><source>Effect share</source><translation>Effektanteil</translation></message>
    <message><source>Effects</source><translation>Effekte</translation></message>
    <message><source>Effects in order</source><translation>Effekte der Reihe nach</translation></message>
    <message><source>Effects on {lane}</source><translation>Effekte auf {lane}</translation></message>
    <message><source>Effects …</source><translation>Effekte …</translation></message>
    <message><source>How long echoes may ring on after the end; 0 cuts them</source><translation>Wie lange Echos nach dem Ende ausklingen dürfen; 0 schneidet sie ab</translation></message>
    <message><source>Its own window</source><translation>Sein eigenes Fenster</translation></message>
    <message><source>Look for plug-ins</source><translation>Plug-ins suchen</translation></message>
    <message><source>Make a take with effects</source><translation>Take mit Effekten machen</translation></message>
    <message><source>Name of the chain</source><translation>Name der Effektkette</translation></message>
    <message><source>Open preset …</source><translation>Preset öffnen …</translation></message>
    <message><source>Plug-ins</source><translation>Plug-ins</translation></message>
    <message><source>Save chain …</source><translation>Kette speichern …</translation></message>
    <message><source>Save preset …</source><translation>Preset speichern …</translation></message>
    <message><source>Tail</source><translation>Ausklang</translation></message>
    <message><source>Up</source><translation>Nach oben</translation></message>
    <message><source>Use this chain</source><translation>Diese Kette nehmen</translation></message>
    <message><source>Working …</source><translation>In Arbeit …</translation></message>
    <message><source>a plug-in's own window needs an X11 screen, and the variable DISPLAY names none; start Fluxstem in a desktop session with X11 or XWayland</source><translation>das eigene Fenster eines Plug-ins braucht einen X11-Bildschirm, und die Variable DISPLAY nennt keinen; Fluxstem in einer Sitzung mit X11 oder XWayland starten</translation></message>
    <message><source>the stem is there without effects: {reason}</source><translation>die Spur ist da, aber ohne Effekte: {reason}</translation></message>
    <message><source>put effects on {lane}</source><translation>Effekte auf {lane}</translation></message>
    <message><source>saved as {path}</source><translation>gespeichert als {path}</translation></message>
    <message><source>the take with effects is there; the one without them is the take before it</source><translation>der Take mit Effekten ist da; der ohne sie ist der Take davor</translation></message>
    <message><source>{count} plug-ins found</source><translation>{count} Plug-ins gefunden</translation></message>
    <message><source>{note}</source><translation>{note}</translation></message>
    <message><source>Click to take it out of the mix</source><translation>Klick nimmt es aus dem Mix heraus</translation></message>
    <message><source>Click to type a time, as 1:02.5, or bar and beat, as 12|3</source><translation>Klicken und eine Zeit eingeben, etwa 1:02,5, oder Takt und Schlag, etwa 12|3</translation></message>
    <message><source>On the disk</source><translation>Auf der Platte</translation></message>
    <message><source>Type a time as 1:02.5, or bar and beat as 12|3</source><translation>Eine Zeit so eingeben: 1:02,5, oder Takt und Schlag so: 12|3</translation></message>
    <message><source>measuring …</source><translation>wird gemessen …</translation></message>
    <message><source>the file is ready now: drag it again</source><translation>die Datei ist jetzt fertig: noch einmal ziehen</translation></message>
    <message><source>writing {count} files …</source><translation>{count} Dateien werden geschrieben …</translation></message>
    <message><source>Compare takes blind</source><translation>Takes blind vergleichen</translation></message>
    <message><source>Compare takes blind …</source><translation>Takes blind vergleichen …</translation></message>
    <message><source>Which take is better?</source><translation>Welcher Take ist besser?</translation></message>
    <message><source>They play equally loud and in a random order; their names come when you have chosen.</source><translation>Sie spielen gleich laut und in zufälliger Reihenfolge; die Namen kommen, wenn Sie gewählt haben.</translation></message>
    <message><source>Hear this one</source><translation>Diesen hören</translation></message>
    <message><source>Take this one</source><translation>Diesen nehmen</translation></message>
    <message><source>You have chosen take {count}</source><translation>Sie haben Take {count} gewählt</translation></message>
    <message><source>Hear it in the region</source><translation>In der Region hören</translation></message>
    <message><source>Effects after</source><translation>Effekte danach</translation></message>
    <message><source>A chain of effects that the result goes through</source><translation>Eine Effektkette, durch die das Ergebnis läuft</translation></message>
    <message><source>Effects on</source><translation>Effekte auf</translation></message>
    <message><source>What the effects after are on</source><translation>Worauf die Effekte danach liegen</translation></message>
    <message><source>Effects before</source><translation>Effekte davor</translation></message>
    <message><source>A chain of effects that only the model hears the input through; the sound itself stays as it is</source><translation>Eine Effektkette, durch die nur das Modell die Eingabe hört; der Klang selbst bleibt, wie er ist</translation></message>
    <message><source>What the task gives</source><translation>Was die Aufgabe ergibt</translation></message>
    <message><source>{name} makes no .vstpreset; save a chain instead</source><translation>{name} macht kein .vstpreset; speichern Sie stattdessen eine Effektkette</translation></message>
    <message><source>bundle {folder} cannot be signed ({reason}); check that it is a bundle and may be written to</source><translation>Modell {folder} kann nicht signiert werden ({reason}); prüfen Sie, ob es ein Modell und beschreibbar ist</translation></message>
    <message><source>bundle {name}: good, {version}, {signature}, {path}</source><translation>Modell {name}: in Ordnung, {version}, {signature}, {path}</translation></message>
    <message><source>bundle {name}: its signature does not fit its manifest; get the bundle again</source><translation>Modell {name}: seine Signatur passt nicht zu seinem Manifest; laden Sie das Modell neu herunter</translation></message>
    <message><source>bundle {name}: {file} is not used, because {reason}; choose another bundle</source><translation>Modell {name}: {file} wird nicht benutzt ({reason}); wählen Sie ein anderes Modell</translation></message>
    <message><source>bundle {name}: {file} is too large, at most {limit_mb} MiB are read; choose another bundle</source><translation>Modell {name}: {file} ist zu groß, gelesen werden höchstens {limit_mb} MiB; wählen Sie ein anderes Modell</translation></message>
    <message><source>confinement of the engine: limits, Landlock and seccomp</source><translation>Einhegung der Engine: Grenzen, Landlock und seccomp</translation></message>
    <message><source>confinement of the engine: {measure} is missing, because {why}</source><translation>Einhegung der Engine: {measure} fehlt ({why})</translation></message>
    <message><source>signing needs py-minisign; install it with: pip install py-minisign</source><translation>zum Signieren braucht es py-minisign: pip install py-minisign</translation></message>
    <message><source>the audio {name}… cannot be opened ({reason})</source><translation>das Audio {name}… lässt sich nicht öffnen ({reason})</translation></message>
    <message><source>the audio {name}… is no plain file; put the right one there</source><translation>das Audio {name}… ist keine gewöhnliche Datei; legen Sie die richtige dorthin</translation></message>
    <message><source>the audio {name}… of this project is damaged and cannot be read; put back an older copy of it</source><translation>das Audio {name}… dieses Projekts ist beschädigt und nicht lesbar; legen Sie eine ältere Kopie davon zurück</translation></message>
    <message><source>the key {file} cannot be used ({reason}); give a secret key of minisign</source><translation>der Schlüssel {file} ist nicht zu gebrauchen ({reason}); geben Sie einen geheimen Schlüssel von minisign an</translation></message>
    <message><source>{count} takes of {file} are no longer what was saved ({takes}); they play as they are now, so listen to them, or put back an older copy of the audio folder</source><translation>{count} Takes von {file} sind nicht mehr, was gespeichert wurde ({takes}); sie klingen so, wie sie jetzt sind: hören Sie sie an, oder legen Sie eine ältere Kopie des Audio-Ordners zurück</translation></message>
    <message><source>{key} is no public key of minisign ({reason})</source><translation>{key} ist kein öffentlicher Schlüssel von minisign ({reason})</translation></message>
    <message><source>{path} holds text and no sound; give an audio or video file</source><translation>{path} enthält Text und keinen Klang; geben Sie eine Audio- oder Videodatei an</translation></message>
    <message><source>Click to see why</source><translation>Ein Klick sagt, warum</translation></message>
    <message><source>Compare with 1, 2 and 3</source><translation>Mit 1, 2 und 3 vergleichen</translation></message>
    <message><source>Drag a lane out by its dots</source><translation>Eine Spur an ihren Punkten herausziehen</translation></message>
    <message><source>Drag along here to choose a region</source><translation>Hier entlangziehen, um einen Bereich zu wählen</translation></message>
    <message><source>Edit</source><translation>Bearbeiten</translation></message>
    <message><source>File</source><translation>Datei</translation></message>
    <message><source>Gain, pan and sensitivity …</source><translation>Pegel, Panorama und Empfindlichkeit …</translation></message>
    <message><source>Number</source><translation>Nummer</translation></message>
    <message><source>Put it into the name, at the cursor</source><translation>An der Schreibmarke in den Namen einfügen</translation></message>
    <message><source>Sens.</source><translation>Empf.</translation></message>
    <message><source>Song</source><translation>Song</translation></message>
    <message><source>Stem</source><translation>Stem</translation></message>
    <message><source>{lane} is heard and is no part of the mix</source><translation>{lane} ist zu hören und kein Teil des Mixes</translation></message>
    <message><source>{lane} is louder than in the mix</source><translation>{lane} ist lauter als im Mix</translation></message>
    <message><source>{lane} is softer than in the mix</source><translation>{lane} ist leiser als im Mix</translation></message>
    <message><source>{lane} is moved to the side</source><translation>{lane} liegt nicht in der Mitte</translation></message>
    <message><source>{lane} is not heard</source><translation>{lane} ist nicht zu hören</translation></message>
    <message><source>C major</source><translation>C-Dur</translation></message>
    <message><source>C minor</source><translation>c-Moll</translation></message>
    <message><source>C# major</source><translation>Cis-Dur</translation></message>
    <message><source>C# minor</source><translation>cis-Moll</translation></message>
    <message><source>D major</source><translation>D-Dur</translation></message>
    <message><source>D minor</source><translation>d-Moll</translation></message>
    <message><source>Eb major</source><translation>Es-Dur</translation></message>
    <message><source>Eb minor</source><translation>es-Moll</translation></message>
    <message><source>E major</source><translation>E-Dur</translation></message>
    <message><source>E minor</source><translation>e-Moll</translation></message>
    <message><source>F major</source><translation>F-Dur</translation></message>
    <message><source>F minor</source><translation>f-Moll</translation></message>
    <message><source>F# major</source><translation>Fis-Dur</translation></message>
    <message><source>F# minor</source><translation>fis-Moll</translation></message>
    <message><source>G major</source><translation>G-Dur</translation></message>
    <message><source>G minor</source><translation>g-Moll</translation></message>
    <message><source>Ab major</source><translation>As-Dur</translation></message>
    <message><source>Ab minor</source><translation>as-Moll</translation></message>
    <message><source>A major</source><translation>A-Dur</translation></message>
    <message><source>A minor</source><translation>a-Moll</translation></message>
    <message><source>Bb major</source><translation>B-Dur</translation></message>
    <message><source>Bb minor</source><translation>b-Moll</translation></message>
    <message><source>B major</source><translation>H-Dur</translation></message>
    <message><source>B minor</source><translation>h-Moll</translation></message>
    <message><source>completes the mix</source><translation>ergänzt zum Mix</translation></message>
    <message><source>Drag MIDI</source><translation>MIDI ziehen</translation></message>
    <message><source>Drag the notes into your DAW or a folder, as a MIDI file</source><translation>Die Noten als MIDI-Datei in Ihre DAW oder einen Ordner ziehen</translation></message>
    <message><source>MIDI files need mido; install it with: pip install 'fluxstem[notes]'</source><translation>MIDI-Dateien brauchen mido; installieren Sie es mit: pip install 'fluxstem[notes]'</translation></message>
    <message><source>Save notes as MIDI …</source><translation>Noten als MIDI sichern …</translation></message>
    <message><source>Show notes</source><translation>Noten zeigen</translation></message>
    <message><source>What was played, as a piano roll over the sound; the tab MIDI drags it into a DAW</source><translation>Was gespielt wurde, als Notenrolle über dem Klang; der Griff MIDI zieht es in eine DAW</translation></message>
    <message><source>hearing tempo and key needs librosa; install it with: pip install 'fluxstem[tempo]'</source><translation>um Tempo und Tonart zu hören, braucht es librosa; installieren Sie es mit: pip install 'fluxstem[tempo]'</translation></message>
    <message><source>listening to the notes of {lane} …</source><translation>höre die Noten von {lane} …</translation></message>
    <message><source>no notes are heard in {lane}</source><translation>in {lane} sind keine Noten zu hören</translation></message>
    <message><source>the network that hears notes is not installed; make it with: python -m export notes WHEEL {folder}</source><translation>das Netz, das Noten hört, ist nicht installiert; machen Sie es mit: python -m export notes WHEEL {folder}</translation></message>
    <message><source>the notes of this lane are not heard yet; wait a moment</source><translation>die Noten dieser Spur sind noch nicht gehört; warten Sie einen Augenblick</translation></message>
    <message><source>the sound could not be listened to; fluxstem notes on the command line tells more</source><translation>der Klang ließ sich nicht anhören; fluxstem notes auf der Befehlszeile sagt mehr</translation></message>
    <message><source>no tempo is known, so the MIDI file of {lane} has 120</source><translation>das Tempo ist nicht bekannt, darum steht in der MIDI-Datei von {lane} 120</translation></message>
    <message><source>{count} notes in {lane}</source><translation>{count} Noten in {lane}</translation></message>
    <message><source>{count} notes in {lane}, which are uncertain: check them</source><translation>{count} Noten in {lane}, die unsicher sind: prüfen Sie sie</translation></message>
    <message><source>the sound took too long to be heard; cut it</source><translation>den Klang anzuhören dauerte zu lange; schneiden Sie ihn</translation></message>
    <message><source>the bridge is closed</source><translation>die Brücke ist geschlossen</translation></message>
    <message><source>{path} cannot be opened ({reason})</source><translation>{path} lässt sich nicht öffnen ({reason})</translation></message>
    <message><source>{path} cannot be read ({reason}); install it again</source><translation>{path} lässt sich nicht lesen ({reason}); installieren Sie es neu</translation></message>
    <message><source>{path} is not a MIDI file that can be read; save it again as a .mid</source><translation>{path} ist keine MIDI-Datei, die sich lesen lässt; sichern Sie sie neu als .mid</translation></message>
    <message><source>{path} is not the file that {name} describes ({reason}); install it again</source><translation>{path} ist nicht die Datei, die {name} beschreibt ({reason}); installieren Sie es neu</translation></message>
    <message><source>{path} is not used, because {reason}; install it again</source><translation>{path} wird nicht verwendet ({reason}); installieren Sie es neu</translation></message>
    <message><source>{path} is too large for a MIDI file; give one of at most {most} MiB</source><translation>{path} ist zu groß für eine MIDI-Datei; geben Sie eine von höchstens {most} MiB an</translation></message>
    <message><source>{path} is not a file; give the path of a MIDI file</source><translation>{path} ist keine Datei; geben Sie den Pfad einer MIDI-Datei an</translation></message>
    <message><source>{path} holds more than is read of a MIDI file (at most {hours:g} hours, {notes} notes, and bends of a few hours); give the part that is meant</source><translation>{path} enthält mehr, als von einer MIDI-Datei gelesen wird (höchstens {hours:g} Stunden, {notes} Noten und Tonbeugungen von wenigen Stunden); geben Sie den gemeinten Teil an</translation></message>
    <message><source>more was heard in the sound than can be told; cut it</source><translation>In dem Klang wurde mehr gehört, als gesagt werden kann; schneiden Sie ihn</translation></message>
    <message><source>{file} has a name that no project can hold; rename it, or leave --link out</source><translation>{file} hat einen Namen, den kein Projekt halten kann; benennen Sie die Datei um, oder lassen Sie --link weg</translation></message>
    <message><source>{path} is {minutes:.0f} minutes long; notes are heard in up to {most:.0f} minutes, so cut it</source><translation>{path} ist {minutes:.0f} Minuten lang; Noten werden in bis zu {most:.0f} Minuten gehört, schneiden Sie es also</translation></message>
    <message><source>Take named sounds out of the mix; they add up to it again</source><translation>Genannte Klänge herauslösen; ihre Summe ist der Mix</translation></message>
    <message><source>MIDI file of notes</source><translation>MIDI-Datei mit Noten</translation></message>
    <message><source>Recorded instruments</source><translation>Aufgenommene Instrumente</translation></message>
    <message><source>The model</source><translation>Das Modell</translation></message>
    <message><source>Voice</source><translation>Stimme</translation></message>
    <message><source>voice</source><translation>Stimme</translation></message>
    <message><source>What makes the sound: the model, or recorded instruments that play its notes</source><translation>Was den Klang macht: das Modell oder aufgenommene Instrumente, die seine Noten spielen</translation></message>
    <message><source>hearing the notes</source><translation>hört die Noten</translation></message>
    <message><source>playing the notes</source><translation>spielt die Noten</translation></message>
    <message><source>only recorded instruments play the notes of a file; choose the voice sampled</source><translation>nur aufgenommene Instrumente spielen die Noten einer Datei; wählen Sie die Stimme sampled</translation></message>
    <message><source>recorded instruments play a stem, not the {slot}; leave the slot out, or choose the voice flow</source><translation>aufgenommene Instrumente spielen einen Stem, nicht {slot}; lassen Sie den Slot weg oder wählen Sie die Stimme flow</translation></message>
    <message><source>the sampler's instruments are not installed; get resources/bundles/{folder} of Fluxstem, or choose the voice flow</source><translation>die aufgenommenen Instrumente sind nicht installiert; holen Sie resources/bundles/{folder} von Fluxstem oder wählen Sie die Stimme flow</translation></message>
    <message><source>{path} cannot be read ({reason}); install the sampler again</source><translation>{path} lässt sich nicht lesen ({reason}); installieren Sie die aufgenommenen Instrumente neu</translation></message>
    <message><source>{path} cannot be used ({reason}); install the sampler again</source><translation>{path} lässt sich nicht verwenden ({reason}); installieren Sie die aufgenommenen Instrumente neu</translation></message>
    <message><source>{path} has format {number}, this engine reads {known}; update the engine, or install an older sampler</source><translation>{path} hat Format {number}, diese Version liest {known}; aktualisieren Sie das Programm oder installieren Sie ältere Instrumente</translation></message>
    <message><source>{path} is not what {name} describes; install the sampler again</source><translation>{path} ist nicht, was {name} beschreibt; installieren Sie die aufgenommenen Instrumente neu</translation></message>
    <message><source>Pan</source><translation>Pan</translation></message>
    <message><source>MIDI file</source><translation>MIDI-Datei</translation></message>
    <message><source>Path of a MIDI file whose notes the recorded instruments play</source><translation>Pfad einer MIDI-Datei, deren Noten die aufgenommenen Instrumente spielen</translation></message>
    <message><source>Not on what is left, which has no take</source><translation>Nicht auf dem, was übrig bleibt: Es hat keinen Take</translation></message>
    <message><source>What is left is computed and has no take; export it and drop the file here to put effects on it</source><translation>Was übrig bleibt, wird berechnet und hat keinen Take; exportieren Sie es und ziehen Sie die Datei hierher, um Effekte darauf zu legen</translation></message>
    <message><source>samples of which file? none is named here, so give places in seconds</source><translation>Samples welcher Datei? Hier ist keine genannt; geben Sie Stellen in Sekunden an</translation></message>
    <message><source>the rate of {name} is not known before it is decoded; give its places in seconds, or convert it to WAV first</source><translation>die Abtastrate von {name} ist erst nach dem Dekodieren bekannt; geben Sie Stellen in Sekunden an, oder wandeln Sie die Datei erst in WAV um</translation></message>
    <message><source>{text!r} is no place; give seconds, as 12.5 or 1:05, or samples, as 480000{unit}</source><translation>{text!r} ist keine Stelle; geben Sie Sekunden an, etwa 12.5 oder 1:05, oder Samples, etwa 480000{unit}</translation></message>
    <message><source>{text!r} is not a region; give start and end in seconds, as 12.5-20.0 or 1:05-1:20, or in samples, as 480000{unit}-960000{unit}</source><translation>{text!r} ist kein Bereich; geben Sie Anfang und Ende in Sekunden an, etwa 12.5-20.0 oder 1:05-1:20, oder in Samples, etwa 480000{unit}-960000{unit}</translation></message>
    <message><source>Scroll to the left</source><translation>Nach links blättern</translation></message>
    <message><source>Scroll to the right</source><translation>Nach rechts blättern</translation></message>
    <message><source>in use</source><translation>in Gebrauch</translation></message>
    <message><source>Takes</source><translation>Takes</translation></message>
    <message><source>All</source><translation>Alle</translation></message>
    <message><source>‹ Drag the dots into your DAW or a folder</source><translation>‹ Die Punkte in Ihre DAW oder einen Ordner ziehen</translation></message>
    <message><source>Open or drop an audio file first</source><translation>Zuerst eine Audiodatei öffnen oder ablegen</translation></message>
    <message><source>vocals</source><translation>Gesang</translation></message>
    <message><source>drum kit</source><translation>Schlagzeug</translation></message>
    <message><source>bass guitar</source><translation>E-Bass</translation></message>
    <message><source>electric piano</source><translation>E-Piano</translation></message>
    <message><source>With Shift it becomes a lane</source><translation>Mit Umschalt wird sie eine Spur</translation></message>
    <message><source>With Shift they become lanes</source><translation>Mit Umschalt werden sie Spuren</translation></message>
    <message><source>First beat of the bar</source><translation>Erster Schlag des Takts</translation></message>
    <message><source>No beat was heard</source><translation>Kein Schlag gehört</translation></message>
    <message><source>The tempo drifts; the grid follows every beat</source><translation>Das Tempo schwankt; das Raster folgt jedem Schlag</translation></message>
    <message><source>analysing</source><translation>analysiert</translation></message>
    <message><source>separating</source><translation>trennt</translation></message>
    <message><source>making the sound</source><translation>macht den Klang</translation></message>
    <message><source>with what</source><translation>wodurch</translation></message>
    <message><source>None yet: clips may lie in your home folder</source><translation>Noch keine: Clips dürfen in Ihrem persönlichen Ordner liegen</translation></message>
    <message><source>Choose a folder of the list first</source><translation>Erst einen Ordner in der Liste wählen</translation></message>
    <message><source>It is in use</source><translation>Es ist in Gebrauch</translation></message>
    <message><source>This project: {project}, {ratio} times its audio. All together: {all}</source><translation>Dieses Projekt: {project}, das {ratio}-Fache seiner Töne. Alles zusammen: {all}</translation></message>
    <message><source>All together: {all}</source><translation>Alles zusammen: {all}</translation></message>
    <message><source>DAW bridge: off</source><translation>DAW-Brücke: aus</translation></message>
    <message><source>DAW bridge: starting</source><translation>DAW-Brücke: startet</translation></message>
    <message><source>DAW bridge: could not start</source><translation>DAW-Brücke: ließ sich nicht starten</translation></message>
    <message><source>and</source><translation>und</translation></message>
    <message><source>without {names}</source><translation>ohne {names}</translation></message>
    <message><source>fit</source><translation>Passung</translation></message>
    <message><source>The fit says how like the prompt it sounds, from -1 to 1</source><translation>Die Passung sagt, wie sehr es nach dem Prompt klingt, von -1 bis 1</translation></message>
    <message><source>no bars</source><translation>keine Takte</translation></message>
    <message><source>The original mix (1); held, only as long</source><translation>Der ursprüngliche Mix (1); gehalten, nur so lange</translation></message>
    <message><source>The audible lanes (2); held, only as long</source><translation>Die hörbaren Spuren (2); gehalten, nur so lange</translation></message>
    <message><source>The delta: the mix minus the audible lanes (3); held, only as long</source><translation>Das Delta: der Mix ohne die hörbaren Spuren (3); gehalten, nur so lange</translation></message>
    <message><source>bar</source><translation>Takt</translation></message>
    <message><source>bars</source><translation>Takte</translation></message>
    <message><source>no recorded instrument is called {prompt}, so the flow model made the sound</source><translation>kein aufgenommenes Instrument heißt {prompt}, darum hat das Modell den Klang gemacht</translation></message>
    <message><source>a recorded instrument is found by words alone, so the flow model made the sound</source><translation>ein aufgenommenes Instrument wird nur mit Worten gefunden, darum hat das Modell den Klang gemacht</translation></message>
    <message><source>the line could not be written down with confidence ({confidence}), so the flow model made the sound</source><translation>die Linie ließ sich nicht sicher aufschreiben ({confidence}), darum hat das Modell den Klang gemacht</translation></message>
    <message><source>the strokes were not heard with confidence ({confidence}), so the flow model made the sound</source><translation>die Schläge waren nicht sicher zu hören ({confidence}), darum hat das Modell den Klang gemacht</translation></message>
    <message><source>fewer than two notes were heard in the old sound, so the flow model made the sound</source><translation>im alten Klang waren keine zwei Töne zu hören, darum hat das Modell den Klang gemacht</translation></message>
    <message><source>fewer than two strokes were heard in the old sound, so the flow model made the sound</source><translation>im alten Klang waren keine zwei Schläge zu hören, darum hat das Modell den Klang gemacht</translation></message>
    <message><source>the MIDI file has no notes for the {instrument} there, so a part was composed for it</source><translation>die MIDI-Datei hat dort keine Noten für {instrument}, darum wurde eine Stimme dafür geschrieben</translation></message>
    <message><source>no beat was heard in the music, so the MIDI file has 120 beats per minute</source><translation>in der Musik war kein Takt zu hören, darum hat die MIDI-Datei 120 Schläge pro Minute</translation></message>
    <message><source>no MIDI file of the notes was written: mido is not installed; install it with: pip install 'fluxstem[notes]'</source><translation>es wurde keine MIDI-Datei der Noten geschrieben, denn mido ist nicht installiert; installieren Sie es mit: pip install 'fluxstem[notes]'</translation></message>
    <message><source>no chords were heard in the music, so the part has a row of its own</source><translation>in der Musik waren keine Akkorde zu hören, darum hat die Stimme eine eigene Folge</translation></message>
    <message><source>no clear beat was heard in the music, so the part keeps to {bpm} beats per minute of its own</source><translation>in der Musik war kein klarer Takt zu hören, darum hält sich die Stimme an eigene {bpm} Schläge pro Minute</translation></message>
    <message><source>the {instrument} plays the line an octave higher, where it is at home</source><translation>{instrument} spielt die Linie eine Oktave höher, wo es zu Hause ist</translation></message>
    <message><source>the {instrument} plays the line an octave lower, where it is at home</source><translation>{instrument} spielt die Linie eine Oktave tiefer, wo es zu Hause ist</translation></message>
    <message><source>the {instrument} plays the line {octaves} octaves higher, where it is at home</source><translation>{instrument} spielt die Linie {octaves} Oktaven höher, wo es zu Hause ist</translation></message>
    <message><source>the {instrument} plays the line {octaves} octaves lower, where it is at home</source><translation>{instrument} spielt die Linie {octaves} Oktaven tiefer, wo es zu Hause ist</translation></message>
    <message><source>a note beyond the reach of the {instrument} was moved by octaves</source><translation>ein Ton außerhalb des Umfangs von {instrument} wurde um Oktaven verschoben</translation></message>
    <message><source>{count} notes beyond the reach of the {instrument} were moved by octaves</source><translation>{count} Töne außerhalb des Umfangs von {instrument} wurden um Oktaven verschoben</translation></message>
    <message><source>{path} has no notes for the {instrument} from {start:.2f} to {end:.2f} s; notes are played at their own seconds, and those of drums are on channel 10: move them there, or leave the MIDI file out</source><translation>{path} hat keine Noten für {instrument} von {start:.2f} bis {end:.2f} s; Noten werden an ihren eigenen Sekunden gespielt, und die von Schlagzeug liegen auf Kanal 10: verschieben Sie sie dorthin, oder lassen Sie die MIDI-Datei weg</translation></message>
</context>
</TS>
