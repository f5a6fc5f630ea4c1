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
    <message><source>A few words; separate several stems with commas (Ctrl+L)</source><translation>Ein paar Worte; Kommas trennen mehrere Spuren (Strg+L)</translation></message>
    <message><source>A stem</source><translation>Eine Spur</translation></message>
    <message><source>Add a folder …</source><translation>Ordner hinzufügen …</translation></message>
    <message><source>Add an example</source><translation>Beispiel hinzufügen</translation></message>
    <message><source>Add an example …</source><translation>Beispiel hinzufügen …</translation></message>
    <message><source>Add to the queue (Ctrl+Return)</source><translation>In die Warteschlange stellen (Strg+Eingabe)</translation></message>
    <message><source>Advanced</source><translation>Mehr</translation></message>
    <message><source>Any audio or video file. It stays on this machine and is never changed.</source><translation>Jede Audio- oder Videodatei. Sie bleibt auf diesem Rechner und wird nie verändert.</translation></message>
    <message><source>Any machine on this network that knows the token can run jobs on this one, read audio files in your home folder and write results. Use it only on a network you trust.</source><translation>Jeder Rechner dieses Netzes, der das Kennwort weiß, kann diesen arbeiten lassen, Audiodateien in Ihrem Benutzerordner lesen und Ergebnisse schreiben. Nur in einem Netz benutzen, dem Sie trauen.</translation></message>
    <message><source>Arrange</source><translation>Arrangieren</translation></message>
    <message><source>As named</source><translation>Wie genannt</translation></message>
    <message><source>As the input</source><translation>Wie die Eingabe</translation></message>
    <message><source>Ask again</source><translation>Noch einmal</translation></message>
    <message><source>Back one second</source><translation>Eine Sekunde zurück</translation></message>
    <message><source>Buffer, frames</source><translation>Puffer, Frames</translation></message>
    <message><source>Bundle</source><translation>Modell</translation></message>
    <message><source>Bundles</source><translation>Modelle</translation></message>
    <message><source>Cache limit</source><translation>Grenze des Zwischenspeichers</translation></message>
    <message><source>Cancel</source><translation>Abbrechen</translation></message>
    <message><source>Candidates</source><translation>Varianten</translation></message>
    <message><source>Check again</source><translation>Noch einmal prüfen</translation></message>
    <message><source>Check this machine …</source><translation>Diesen Rechner prüfen …</translation></message>
    <message><source>Choose a task</source><translation>Aufgabe wählen</translation></message>
    <message><source>Choose what to make</source><translation>Wählen, was entsteht</translation></message>
    <message><source>Choose …</source><translation>Wählen …</translation></message>
    <message><source>Clean</source><translation>Sauber</translation></message>
    <message><source>Clean up now</source><translation>Jetzt aufräumen</translation></message>
    <message><source>Clear</source><translation>Leeren</translation></message>
    <message><source>Clear the selection</source><translation>Auswahl aufheben</translation></message>
    <message><source>Click to play from here, drag to choose a region, Ctrl+wheel to zoom</source><translation>Klicken spielt ab hier, Ziehen wählt einen Bereich, Strg+Rad vergrößert</translation></message>
    <message><source>Click to play from here; the wheel zooms</source><translation>Klicken spielt ab hier; das Rad vergrößert</translation></message>
    <message><source>Click to remove this example</source><translation>Klicken entfernt dieses Beispiel</translation></message>
    <message><source>Close</source><translation>Schließen</translation></message>
    <message><source>Close this message</source><translation>Meldung schließen</translation></message>
    <message><source>Colour</source><translation>Farbe</translation></message>
    <message><source>Colours of the window</source><translation>Farben des Fensters</translation></message>
    <message><source>Compare with the original (1, 2, 3), solo, mute, loop a region.</source><translation>Mit dem Original vergleichen (1, 2, 3), Solo, Stumm, Bereich wiederholen.</translation></message>
    <message><source>Copy</source><translation>Kopieren</translation></message>
    <message><source>Copy path</source><translation>Pfad kopieren</translation></message>
    <message><source>Copy path of the lane</source><translation>Pfad der Spur kopieren</translation></message>
    <message><source>Copy path, open in folder, export, colour, remove</source><translation>Pfad kopieren, im Ordner zeigen, exportieren, Farbe, entfernen</translation></message>
    <message><source>Credits</source><translation>Dank an</translation></message>
    <message><source>DAW bridge</source><translation>DAW-Brücke</translation></message>
    <message><source>Dark</source><translation>Dunkel</translation></message>
    <message><source>Details</source><translation>Einzelheiten</translation></message>
    <message><source>Device</source><translation>Gerät</translation></message>
    <message><source>Drag a lane by its handle into your DAW: it is a real file.</source><translation>Eine Spur am Griff in die DAW ziehen: es ist eine echte Datei.</translation></message>
    <message><source>Drag it out</source><translation>Herausziehen</translation></message>
    <message><source>Drag the file out</source><translation>Datei herausziehen</translation></message>
    <message><source>Drag this stem into your DAW or a folder, as a file (Ctrl+Shift+C copies its path)</source><translation>Diese Spur als Datei in die DAW oder einen Ordner ziehen (Strg+Umschalt+C kopiert ihren Pfad)</translation></message>
    <message><source>Drop a mix here</source><translation>Einen Mix hierher ziehen</translation></message>
    <message><source>Drop an example of what to look for. This bundle accepts</source><translation>Ein Beispiel für das Gesuchte hier ablegen. Dieses Modell nimmt</translation></message>
    <message><source>Engine</source><translation>Engine</translation></message>
    <message><source>Engine starts when needed</source><translation>Engine startet bei Bedarf</translation></message>
    <message><source>Everything audible, as one file</source><translation>Alles Hörbare als eine Datei</translation></message>
    <message><source>Example</source><translation>Beispiel</translation></message>
    <message><source>Examples</source><translation>Beispiele</translation></message>
    <message><source>Examples of what to look for</source><translation>Beispiele für das Gesuchte</translation></message>
    <message><source>Expert</source><translation>Experte</translation></message>
    <message><source>Export</source><translation>Exportieren</translation></message>
    <message><source>Export …</source><translation>Exportieren …</translation></message>
    <message><source>Extend</source><translation>Fortsetzen</translation></message>
    <message><source>Fastest available</source><translation>Das schnellste verfügbare</translation></message>
    <message><source>File format</source><translation>Dateiformat</translation></message>
    <message><source>Filtered by the flow model</source><translation>Vom Flussmodell gefiltert</translation></message>
    <message><source>First steps</source><translation>Erste Schritte</translation></message>
    <message><source>Fit region or everything</source><translation>Bereich oder alles zeigen</translation></message>
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
    <message><source>Gain in dB; double-click for 0</source><translation>Pegel in dB; Doppelklick für 0</translation></message>
    <message><source>General</source><translation>Allgemein</translation></message>
    <message><source>Generate</source><translation>Erzeugen</translation></message>
    <message><source>Go to the start</source><translation>Zum Anfang</translation></message>
    <message><source>Got it</source><translation>Verstanden</translation></message>
    <message><source>Guidance</source><translation>Führung</translation></message>
    <message><source>Guided by</source><translation>Geführt von</translation></message>
    <message><source>Hear the original</source><translation>Original hören</translation></message>
    <message><source>Hear the stems</source><translation>Spuren hören</translation></message>
    <message><source>Hear this lane alone (S)</source><translation>Nur diese Spur hören (S)</translation></message>
    <message><source>Hear what was removed</source><translation>Hören, was herausgenommen wurde</translation></message>
    <message><source>How far to go from the old sound; double-click for the bundle's default</source><translation>Wie weit weg vom alten Klang; Doppelklick für den Standard des Modells</translation></message>
    <message><source>How many versions, from consecutive seeds; they become takes of one lane, best first</source><translation>Wie viele Fassungen mit aufeinanderfolgenden Startwerten; sie werden Takes einer Spur, die beste zuerst</translation></message>
    <message><source>Image</source><translation>Bild</translation></message>
    <message><source>Images, videos, audio</source><translation>Bilder, Videos, Audio</translation></message>
    <message><source>Inpaint</source><translation>Füllen</translation></message>
    <message><source>Isolate</source><translation>Herauslösen</translation></message>
    <message><source>Keep the region</source><translation>Bereich behalten</translation></message>
    <message><source>Keep the region and choose another</source><translation>Bereich behalten, noch einen wählen</translation></message>
    <message><source>Keep this region and choose another (Ctrl+R)</source><translation>Diesen Bereich behalten und noch einen wählen (Strg+R)</translation></message>
    <message><source>Lane</source><translation>Spur</translation></message>
    <message><source>Lane above</source><translation>Spur darüber</translation></message>
    <message><source>Lane below</source><translation>Spur darunter</translation></message>
    <message><source>Language</source><translation>Sprache</translation></message>
    <message><source>Larger is safer on a busy machine; solo and mute respond just as fast</source><translation>Größer ist sicherer, wenn der Rechner viel zu tun hat; Solo und Stumm bleiben gleich schnell</translation></message>
    <message><source>Left or right; double-click for the middle</source><translation>Links oder rechts; Doppelklick für die Mitte</translation></message>
    <message><source>Licence</source><translation>Lizenz</translation></message>
    <message><source>Light</source><translation>Hell</translation></message>
    <message><source>Listen before you save</source><translation>Erst hören, dann sichern</translation></message>
    <message><source>Loop the region</source><translation>Bereich wiederholen</translation></message>
    <message><source>Make</source><translation>Erzeugt</translation></message>
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
    <message><source>None</source><translation>Keiner</translation></message>
    <message><source>OSC bridge</source><translation>OSC-Brücke</translation></message>
    <message><source>OSC: could not start</source><translation>OSC: ließ sich nicht starten</translation></message>
    <message><source>OSC: off</source><translation>OSC: aus</translation></message>
    <message><source>OSC: starting</source><translation>OSC: beginnt</translation></message>
    <message><source>Off</source><translation>Aus</translation></message>
    <message><source>Only this region is processed; click to process everything (Esc)</source><translation>Nur dieser Bereich wird bearbeitet; Klicken bearbeitet alles (Esc)</translation></message>
    <message><source>Open a file …</source><translation>Datei öffnen …</translation></message>
    <message><source>Open a mix or a project</source><translation>Mix oder Projekt öffnen</translation></message>
    <message><source>Open folder of the lane</source><translation>Ordner der Spur öffnen</translation></message>
    <message><source>Open in folder</source><translation>Im Ordner zeigen</translation></message>
    <message><source>Open the demo mix</source><translation>Demo-Mix öffnen</translation></message>
    <message><source>Open this clip here</source><translation>Diesen Clip hier öffnen</translation></message>
    <message><source>Open …</source><translation>Öffnen …</translation></message>
    <message><source>Order</source><translation>Reihenfolge</translation></message>
    <message><source>Original</source><translation>Original</translation></message>
    <message><source>Output device</source><translation>Ausgabegerät</translation></message>
    <message><source>Pan</source><translation>Panorama</translation></message>
    <message><source>Play both sides equally loud, so that neither seems better just for being louder</source><translation>Beide Seiten gleich laut spielen, damit lauter nicht besser klingt</translation></message>
    <message><source>Play or pause</source><translation>Wiedergabe oder Pause</translation></message>
    <message><source>Play something to see how soon a change is heard.</source><translation>Nach dem ersten Abspielen steht hier, wie schnell eine Änderung zu hören ist.</translation></message>
    <message><source>Playback position</source><translation>Abspielposition</translation></message>
    <message><source>Playback volume; files are not changed</source><translation>Lautstärke der Lautsprecher; Dateien bleiben, wie sie sind</translation></message>
    <message><source>Programs on this machine can send clips and get files back.</source><translation>Programme auf diesem Rechner können Clips schicken und Dateien zurückbekommen.</translation></message>
    <message><source>Progress</source><translation>Fortschritt</translation></message>
    <message><source>Prompt</source><translation>Eingabe</translation></message>
    <message><source>Queue</source><translation>Warteschlange</translation></message>
    <message><source>Quit</source><translation>Beenden</translation></message>
    <message><source>Redo</source><translation>Wiederholen</translation></message>
    <message><source>Regenerate</source><translation>Neu spielen</translation></message>
    <message><source>Regions</source><translation>Bereiche</translation></message>
    <message><source>Remove</source><translation>Entfernen</translation></message>
    <message><source>Remove finished jobs from the list</source><translation>Beendete Aufträge aus der Liste nehmen</translation></message>
    <message><source>Remove from the list</source><translation>Aus der Liste nehmen</translation></message>
    <message><source>Remove lane</source><translation>Spur entfernen</translation></message>
    <message><source>Remove the lane</source><translation>Spur entfernen</translation></message>
    <message><source>Removed</source><translation>Entfernt</translation></message>
    <message><source>Rename</source><translation>Umbenennen</translation></message>
    <message><source>Rename …</source><translation>Umbenennen …</translation></message>
    <message><source>Replace</source><translation>Ersetzen</translation></message>
    <message><source>Replace with</source><translation>Ersetzen durch</translation></message>
    <message><source>Report</source><translation>Bericht</translation></message>
    <message><source>Restyle</source><translation>Umgestalten</translation></message>
    <message><source>Run</source><translation>Ausführen</translation></message>
    <message><source>Run the engine on</source><translation>Engine läuft auf</translation></message>
    <message><source>Same as the system</source><translation>Wie das System</translation></message>
    <message><source>Save</source><translation>Sichern</translation></message>
    <message><source>Save as …</source><translation>Sichern als …</translation></message>
    <message><source>Save the project</source><translation>Projekt sichern</translation></message>
    <message><source>Save the project first?</source><translation>Das Projekt vorher sichern?</translation></message>
    <message><source>Say what you want to hear</source><translation>Sagen, was zu hören sein soll</translation></message>
    <message><source>Scroll the timeline</source><translation>In der Zeit blättern</translation></message>
    <message><source>Seconds</source><translation>Sekunden</translation></message>
    <message><source>Seed</source><translation>Zufallszahl</translation></message>
    <message><source>Seed, steps, guidance, candidates, bundle, device and more (Ctrl+.)</source><translation>Zufallszahl, Schritte, Führung, Varianten, Modell, Gerät und mehr (Strg+.)</translation></message>
    <message><source>Select all</source><translation>Alles auswählen</translation></message>
    <message><source>Send back to the DAW</source><translation>Zurück an die DAW</translation></message>
    <message><source>Send the lane back to the DAW</source><translation>Spur zurück an die DAW senden</translation></message>
    <message><source>Sensitivity</source><translation>Empfindlichkeit</translation></message>
    <message><source>Sent by a DAW over OSC</source><translation>Von einer DAW über OSC geschickt</translation></message>
    <message><source>Settings</source><translation>Einstellungen</translation></message>
    <message><source>Settings …</source><translation>Einstellungen …</translation></message>
    <message><source>Show the spectrogram</source><translation>Spektrogramm zeigen</translation></message>
    <message><source>Snap</source><translation>Einrasten</translation></message>
    <message><source>Snap the ends of regions to zero crossings</source><translation>Bereiche beginnen und enden im Nulldurchgang</translation></message>
    <message><source>Solo</source><translation>Solo</translation></message>
    <message><source>Solo and mute</source><translation>Solo und Stumm</translation></message>
    <message><source>Solo the lane</source><translation>Spur solo</translation></message>
    <message><source>Sound</source><translation>Klang</translation></message>
    <message><source>Spectrogram</source><translation>Spektrogramm</translation></message>
    <message><source>Start</source><translation>Beginn</translation></message>
    <message><source>Stems</source><translation>Spuren</translation></message>
    <message><source>Stems, one file each</source><translation>Spuren, je eine Datei</translation></message>
    <message><source>Steps</source><translation>Schritte</translation></message>
    <message><source>Strength</source><translation>Stärke</translation></message>
    <message><source>Take</source><translation>Take</translation></message>
    <message><source>Takes effect at the next start</source><translation>Ab dem nächsten Start</translation></message>
    <message><source>Task</source><translation>Aufgabe</translation></message>
    <message><source>Temperature</source><translation>Temperatur</translation></message>
    <message><source>The audible lanes (2)</source><translation>Die hörbaren Spuren (2)</translation></message>
    <message><source>The bundle {bundle} accepts words only; choose another one under Advanced to use examples</source><translation>Das Modell {bundle} nimmt nur Worte; für Beispiele unter „Mehr“ ein anderes wählen</translation></message>
    <message><source>The mix</source><translation>Den Mix</translation></message>
    <message><source>The mix without the ticked stems</source><translation>Der Mix ohne die angekreuzten Spuren</translation></message>
    <message><source>The model to use; more under Settings</source><translation>Das Modell; mehr in den Einstellungen</translation></message>
    <message><source>The model's own audio</source><translation>Klang des Modells</translation></message>
    <message><source>The original mix (1)</source><translation>Der Mix, wie er war (1)</translation></message>
    <message><source>The others</source><translation>Die anderen</translation></message>
    <message><source>The prompt</source><translation>Die Angabe</translation></message>
    <message><source>The status line shows what actually ran</source><translation>Die Statuszeile sagt, was wirklich lief</translation></message>
    <message><source>The stem</source><translation>Die Spur</translation></message>
    <message><source>The take to play; all takes are kept. The number says how well it fits, from -1 to 1</source><translation>Welcher Take zu hören ist; alle bleiben erhalten. Die Zahl: wie gut er passt, -1 bis 1</translation></message>
    <message><source>The whole mix</source><translation>Der ganze Mix</translation></message>
    <message><source>Theme</source><translation>Farbschema</translation></message>
    <message><source>This machine</source><translation>Dieser Rechner</translation></message>
    <message><source>This machine only</source><translation>Nur dieser Rechner</translation></message>
    <message><source>This network</source><translation>Dieses Netz</translation></message>
    <message><source>Tick all</source><translation>Alle ankreuzen</translation></message>
    <message><source>Time</source><translation>Zeit</translation></message>
    <message><source>Timeline</source><translation>Zeitachse</translation></message>
    <message><source>Trained on</source><translation>Trainiert mit</translation></message>
    <message><source>Try the demo mix</source><translation>Den Demo-Mix probieren</translation></message>
    <message><source>Type an instrument, such as drum kit, and press Return.</source><translation>Ein Instrument eintippen, etwa drum kit, und Eingabe drücken.</translation></message>
    <message><source>Undo</source><translation>Rückgängig</translation></message>
    <message><source>Unsaved changes</source><translation>Nicht gesicherte Änderungen</translation></message>
    <message><source>Use this bundle</source><translation>Dieses Modell benutzen</translation></message>
    <message><source>Verify</source><translation>Prüfen</translation></message>
    <message><source>Volume</source><translation>Lautstärke</translation></message>
    <message><source>Waveform</source><translation>Wellenform</translation></message>
    <message><source>Waveform of</source><translation>Wellenform von</translation></message>
    <message><source>Waveform of the mix</source><translation>Wellenform des Mixes</translation></message>
    <message><source>Waveform or spectrogram (W)</source><translation>Wellenform oder Spektrogramm (W)</translation></message>
    <message><source>Waveforms and decoded audio</source><translation>Wellenformen und dekodiertes Audio</translation></message>
    <message><source>What the guidance pushes towards</source><translation>Wohin die Führung drängt</translation></message>
    <message><source>What the others play, if that helps</source><translation>Was die anderen spielen, wo das hilft</translation></message>
    <message><source>What the stem plays, if that helps</source><translation>Was die Spur spielt, wo das hilft</translation></message>
    <message><source>What the whole mix sounds like, if that helps</source><translation>Wie das Ganze klingt, wo das hilft</translation></message>
    <message><source>What to do (Ctrl+T)</source><translation>Was zu tun ist (Strg+T)</translation></message>
    <message><source>What to look for</source><translation>Wonach gesucht wird</translation></message>
    <message><source>What to make: a stem, the whole mix, or the rest around a stem (Ctrl+Shift+M)</source><translation>Was entsteht: eine Spur, der ganze Mix oder was neben einer Spur spielt (Strg+Umschalt+M)</translation></message>
    <message><source>What to replace it with</source><translation>Wodurch es ersetzt wird</translation></message>
    <message><source>What was removed: the mix minus the audible lanes (3)</source><translation>Was herausgenommen wurde: der Mix ohne die hörbaren Spuren (3)</translation></message>
    <message><source>What went wrong</source><translation>Was schiefging</translation></message>
    <message><source>Where playback goes</source><translation>Wohin die Wiedergabe geht</translation></message>
    <message><source>Where to run; the status line says where it really ran</source><translation>Wo gerechnet wird; die Statuszeile zeigt, wo es wirklich lief</translation></message>
    <message><source>Whichever fits the prompt</source><translation>Der zur Angabe passt</translation></message>
    <message><source>Words</source><translation>Worte</translation></message>
    <message><source>Words about the others</source><translation>Worte über die anderen</translation></message>
    <message><source>Words about the whole mix</source><translation>Worte über den ganzen Mix</translation></message>
    <message><source>Words or examples</source><translation>Worte oder Beispiele</translation></message>
    <message><source>Works on</source><translation>Arbeitet an</translation></message>
    <message><source>Write a prompt</source><translation>Eingabe schreiben</translation></message>
    <message><source>You can use {track}, {stem}, {take}, {bundle} and {nr}</source><translation>Möglich sind {track}, {stem}, {take}, {bundle} und {nr}</translation></message>
    <message><source>Your jobs appear here, and so do those your DAW sends over OSC.</source><translation>Hier erscheinen Ihre Aufträge und die, die Ihre DAW über OSC schickt.</translation></message>
    <message><source>Your own audio, filtered</source><translation>Ihr eigenes Audio, gefiltert</translation></message>
    <message><source>Zoom in</source><translation>Vergrößern</translation></message>
    <message><source>Zoom out</source><translation>Verkleinern</translation></message>
    <message><source>a few words</source><translation>ein paar Worte</translation></message>
    <message><source>added file</source><translation>hinzugefügte Datei</translation></message>
    <message><source>all</source><translation>alles</translation></message>
    <message><source>all new</source><translation>ganz neu</translation></message>
    <message><source>all of them</source><translation>alle um</translation></message>
    <message><source>audio files</source><translation>Audiodateien</translation></message>
    <message><source>autosave failed ({reason}); make room in {folder}, or save often</source><translation>das automatische Sichern geht nicht ({reason}); schaffen Sie Platz in {folder}, oder sichern Sie oft</translation></message>
    <message><source>building the TensorRT engine; this takes minutes the first time</source><translation>baut die TensorRT-Engine, was beim ersten Mal Minuten dauert</translation></message>
    <message><source>bundle's default</source><translation>Standard des Modells</translation></message>
    <message><source>cancelled</source><translation>abgebrochen</translation></message>
    <message><source>cannot keep a copy of {file} in {folder} ({reason}); make room on that disk and open it again</source><translation>von {file} lässt sich in {folder} keine Kopie behalten ({reason}); schaffen Sie auf dieser Platte Platz, und öffnen Sie es noch einmal</translation></message>
    <message><source>cannot write to the cache {folder} ({reason}); make room</source><translation>in den Zwischenspeicher {folder} lässt sich nicht schreiben ({reason}); schaffen Sie Platz</translation></message>
    <message><source>cannot write to {folder} ({reason}); make room there</source><translation>in {folder} lässt sich nicht schreiben ({reason}); schaffen Sie dort Platz</translation></message>
    <message><source>cannot write to {folder} ({reason}); make room there or choose another folder</source><translation>in {folder} lässt sich nicht schreiben ({reason}); schaffen Sie dort Platz, oder wählen Sie einen anderen Ordner</translation></message>
    <message><source>change a colour</source><translation>Farbe ändern</translation></message>
    <message><source>channels</source><translation>Kanäle</translation></message>
    <message><source>checking …</source><translation>prüfe …</translation></message>
    <message><source>choose a take of</source><translation>Take wählen bei</translation></message>
    <message><source>decoding the audio</source><translation>dekodiert den Ton</translation></message>
    <message><source>done</source><translation>fertig</translation></message>
    <message><source>e.g. piano and drums</source><translation>z. B. Klavier und Schlagzeug</translation></message>
    <message><source>e.g. slow jazz trio</source><translation>z. B. langsames Jazztrio</translation></message>
    <message><source>e.g. violin</source><translation>z. B. Geige</translation></message>
    <message><source>encoding the audio</source><translation>kodiert den Ton</translation></message>
    <message><source>failed</source><translation>fehlgeschlagen</translation></message>
    <message><source>file written</source><translation>Datei geschrieben</translation></message>
    <message><source>files written</source><translation>Dateien geschrieben</translation></message>
    <message><source>fill a span of a stem, keeping what is outside</source><translation>einen Bereich einer Spur füllen und den Rest behalten</translation></message>
    <message><source>filtering your audio</source><translation>filtert Ihren Ton</translation></message>
    <message><source>gain of</source><translation>Pegel von</translation></message>
    <message><source>give the mix without the named stem</source><translation>den Mix ohne die genannte Spur geben</translation></message>
    <message><source>go on after the end of a stem</source><translation>nach dem Ende einer Spur weiterspielen</translation></message>
    <message><source>how hard the prompt pushes: 0 not at all, 1 plainly</source><translation>wie stark die Angabe drängt: 0 gar nicht, 1 einfach</translation></message>
    <message><source>how many seconds to make</source><translation>wie viele Sekunden entstehen sollen</translation></message>
    <message><source>how much goes to the stem where the mask is in doubt: 0 makes it clean, 1 full</source><translation>wie viel zur Spur kommt, wo die Maske im Zweifel ist: 0 macht sie sauber, 1 voll</translation></message>
    <message><source>images</source><translation>Bilder</translation></message>
    <message><source>in use</source><translation>belegt</translation></message>
    <message><source>internal error ({words}); please report it with the log</source><translation>interner Fehler ({words}); bitte melden Sie ihn mit dem Protokoll</translation></message>
    <message><source>left</source><translation>übrig</translation></message>
    <message><source>make a new stem that fits the given rest</source><translation>eine neue Spur machen, die zum Rest passt</translation></message>
    <message><source>make a stem for each prompt, each to go with those before it</source><translation>zu jeder Angabe eine Spur machen, jede passend zu den vorigen</translation></message>
    <message><source>make a stem from the prompt alone</source><translation>eine Spur allein aus der Angabe machen</translation></message>
    <message><source>make the stems in the order they are named, not drums, bass, harmony, lead</source><translation>die Spuren in der genannten Reihenfolge machen, nicht erst Schlagzeug, Bass, Harmonie, Melodie</translation></message>
    <message><source>masked: your own audio, filtered; flow: filtered by what the flow hears; decoded: the model's own audio</source><translation>Ihr eigenes Audio, gefiltert von der Maske oder vom Fluss, oder der Klang des Modells</translation></message>
    <message><source>mono</source><translation>mono</translation></message>
    <message><source>mute</source><translation>stumm</translation></message>
    <message><source>no stem is selected; tick at least one</source><translation>keine Spur ist gewählt; haken Sie mindestens eine an</translation></message>
    <message><source>nothing is audible; unmute a lane first</source><translation>es ist nichts zu hören; heben Sie zuerst eine Stummschaltung auf</translation></message>
    <message><source>null</source><translation>Null</translation></message>
    <message><source>of the noise sound is made from: less is safer, more is wilder, 1 as in training</source><translation>des Rauschens, aus dem Klang entsteht: weniger ist sicherer, mehr ist wilder, 1 wie beim Training</translation></message>
    <message><source>of the results</source><translation>der Ergebnisse</translation></message>
    <message><source>one stem per name, e.g. drums, bass, piano</source><translation>eine Spur je Name, etwa: drums, bass, piano</translation></message>
    <message><source>opening the bundle</source><translation>öffnet das Modell</translation></message>
    <message><source>opening this file needs {needed} MB in {folder}, and {free} MB are free; clean the cache in the settings or make room</source><translation>diese Datei zu öffnen braucht {needed} MB in {folder}, und {free} MB sind frei; räumen Sie in den Einstellungen den Zwischenspeicher auf, oder schaffen Sie Platz</translation></message>
    <message><source>opening {file}</source><translation>öffne {file}</translation></message>
    <message><source>pan of</source><translation>Panorama von</translation></message>
    <message><source>path copied</source><translation>Pfad kopiert</translation></message>
    <message><source>play a stem anew, as near to the old one as you like</source><translation>eine Spur neu spielen, so nah an der alten, wie Sie wollen</translation></message>
    <message><source>playback stopped because the audio could not be read ({reason})</source><translation>die Wiedergabe hielt an, der Ton ließ sich nicht lesen ({reason})</translation></message>
    <message><source>preparing</source><translation>bereitet vor</translation></message>
    <message><source>present</source><translation>vorhanden</translation></message>
    <message><source>probably not present</source><translation>wahrscheinlich nicht vorhanden</translation></message>
    <message><source>process</source><translation>Prozess</translation></message>
    <message><source>put another sound in the place of one in the mix</source><translation>einen Klang im Mix durch einen anderen ersetzen</translation></message>
    <message><source>reading the audio</source><translation>liest den Ton</translation></message>
    <message><source>reading the examples</source><translation>liest die Beispiele</translation></message>
    <message><source>reading {file} needs PyAV; install the extra desktop, or convert the file to WAV</source><translation>{file} lässt sich nur mit PyAV lesen; installieren Sie das Extra desktop, oder wandeln Sie es in WAV um</translation></message>
    <message><source>ready</source><translation>bereit</translation></message>
    <message><source>rename</source><translation>umbenennen</translation></message>
    <message><source>replace with, e.g. trumpet</source><translation>ersetzen durch, etwa: trumpet</translation></message>
    <message><source>running</source><translation>läuft</translation></message>
    <message><source>running the model</source><translation>rechnet</translation></message>
    <message><source>same seed, same result</source><translation>gleiche Zahl, gleiches Ergebnis</translation></message>
    <message><source>sampler steps</source><translation>Schritte des Samplers</translation></message>
    <message><source>saved {file}</source><translation>{file} gesichert</translation></message>
    <message><source>say in a few words what to look for, for example violin</source><translation>sagen Sie in ein paar Worten, was gesucht wird, etwa violin</translation></message>
    <message><source>say what to replace it with too, for example trumpet</source><translation>sagen Sie auch, wodurch es ersetzt werden soll, etwa trumpet</translation></message>
    <message><source>sent back to the DAW</source><translation>an die DAW zurückgesandt</translation></message>
    <message><source>separator of the bundle that answers, or none</source><translation>welcher Separator des Modells antwortet, oder keiner</translation></message>
    <message><source>showing the result</source><translation>zeigt das Ergebnis</translation></message>
    <message><source>so that nothing clips</source><translation>damit nichts übersteuert</translation></message>
    <message><source>solo</source><translation>solo</translation></message>
    <message><source>sound cannot be played ({reason}); plug in an output device or choose one in the settings; everything else works</source><translation>es lässt sich nichts abspielen ({reason}); schließen Sie ein Gerät an, oder wählen Sie eines in den Einstellungen, alles andere geht</translation></message>
    <message><source>sound cannot be played because PortAudio is missing; on Debian and Ubuntu install libportaudio2</source><translation>es lässt sich nichts abspielen: PortAudio fehlt; installieren Sie unter Debian und Ubuntu libportaudio2</translation></message>
    <message><source>starting</source><translation>beginnt</translation></message>
    <message><source>stereo</source><translation>stereo</translation></message>
    <message><source>stopping</source><translation>hält an</translation></message>
    <message><source>sums to the mix exactly</source><translation>ergibt genau den Mix</translation></message>
    <message><source>take the named stem out of the mix</source><translation>die genannte Spur aus dem Mix holen</translation></message>
    <message><source>the audio device is gone; playback continues on {name}</source><translation>das Audiogerät ist weg; weiter geht es über {name}</translation></message>
    <message><source>the audio device is gone; plug it in again, or choose another one in the settings</source><translation>das Audiogerät ist weg; schließen Sie es wieder an, oder wählen Sie ein anderes in den Einstellungen</translation></message>
    <message><source>the audio of {file} could not be copied ({reason}); make room</source><translation>der Ton von {file} ließ sich nicht kopieren ({reason}); schaffen Sie Platz</translation></message>
    <message><source>the audio of {file} is gone; put the folder {folder} back beside it</source><translation>der Ton von {file} ist weg; legen Sie den Ordner {folder} wieder daneben</translation></message>
    <message><source>the audio of {lane} is gone from the disk; make it again</source><translation>der Ton von {lane} ist nicht mehr auf der Platte; erzeugen Sie ihn neu</translation></message>
    <message><source>the audio {name}… of this project is gone; put its folder back beside it</source><translation>der Ton {name}… dieses Projekts ist weg; legen Sie seinen Ordner wieder daneben</translation></message>
    <message><source>the bridge is off; switch it on in the settings, then send it back again</source><translation>die Brücke ist aus; schalten Sie sie in den Einstellungen ein und senden Sie dann noch einmal zurück</translation></message>
    <message><source>the bridge needs the extra osc ({reason}); install it and try again</source><translation>die Brücke braucht das Extra osc ({reason}); installieren Sie es und versuchen Sie es noch einmal</translation></message>
    <message><source>the bundle {bundle} accepts no {kinds}; choose another bundle, or describe it in words</source><translation>das Modell {bundle} nimmt keine {kinds}; wählen Sie ein anderes, oder sagen Sie es mit Worten</translation></message>
    <message><source>the clip of this job is gone; send it again from the DAW</source><translation>der Clip dieses Auftrags ist weg; schicken Sie ihn noch einmal aus der DAW</translation></message>
    <message><source>the decoded audio is gone from the cache; open the file again</source><translation>der Ton ist nicht mehr im Zwischenspeicher; öffnen Sie die Datei noch einmal</translation></message>
    <message><source>the demo mix is not part of this installation; open a file of your own</source><translation>der Demo-Mix gehört nicht zu dieser Installation; öffnen Sie eine eigene Datei</translation></message>
    <message><source>the mix</source><translation>dem Mix</translation></message>
    <message><source>the name template makes no name; put at least one letter into it</source><translation>die Namensvorlage ergibt keinen Namen; schreiben Sie mindestens einen Buchstaben hinein</translation></message>
    <message><source>the name template {template} cannot be used ({reason}); allowed are {allowed}</source><translation>die Namensvorlage {template} geht nicht ({reason}); erlaubt sind {allowed}</translation></message>
    <message><source>the new mix is muted because its stems are audible; press S to hear it alone</source><translation>der neue Mix kommt stumm, denn seine Spuren sind zu hören; S spielt ihn allein</translation></message>
    <message><source>the others</source><translation>die anderen</translation></message>
    <message><source>the project could not be saved to {path} ({reason}); the old file is unchanged; save to another folder</source><translation>das Projekt ließ sich nicht nach {path} sichern ({reason}); am alten ist nichts verändert, sichern Sie es in einem anderen Ordner</translation></message>
    <message><source>the prompt alone</source><translation>der Angabe allein</translation></message>
    <message><source>the spectrogram is gone from the cache; open the file again</source><translation>das Spektrogramm ist nicht mehr im Zwischenspeicher; öffnen Sie die Datei noch einmal</translation></message>
    <message><source>the waveform is gone from the cache; open the file again</source><translation>die Wellenform ist nicht mehr im Zwischenspeicher; öffnen Sie die Datei noch einmal</translation></message>
    <message><source>the whole mix</source><translation>der ganze Mix</translation></message>
    <message><source>there is no file {path}; it may have been moved or deleted</source><translation>es gibt keine Datei {path}; vielleicht wurde sie verschoben oder gelöscht</translation></message>
    <message><source>they sum to the mix exactly</source><translation>zusammen ergeben sie genau den Mix</translation></message>
    <message><source>this lane is gone; choose another one</source><translation>diese Spur ist weg; wählen Sie eine andere</translation></message>
    <message><source>this project did not come from a DAW; drag the lane into it instead</source><translation>dieses Projekt kam nicht aus einer DAW; ziehen Sie die Spur stattdessen hinein</translation></message>
    <message><source>this project has no file yet; choose a name for it</source><translation>dieses Projekt hat noch keine Datei; geben Sie ihm einen Namen</translation></message>
    <message><source>this project has no mix to subtract from; choose the stems instead</source><translation>dieses Projekt hat keinen Mix, aus dem etwas zu nehmen wäre; wählen Sie stattdessen die Spuren</translation></message>
    <message><source>unchanged</source><translation>unverändert</translation></message>
    <message><source>untitled</source><translation>ohne Titel</translation></message>
    <message><source>usual length</source><translation>übliche Länge</translation></message>
    <message><source>videos</source><translation>Videos</translation></message>
    <message><source>violin, drum kit, bass guitar …</source><translation>violin, drum kit, bass guitar …</translation></message>
    <message><source>waiting</source><translation>wartet</translation></message>
    <message><source>waiting for the engine</source><translation>wartet auf die Engine</translation></message>
    <message><source>what plays in the region, e.g. piano</source><translation>was im Bereich spielt, etwa: piano</translation></message>
    <message><source>what should continue, e.g. synth bass</source><translation>was weitergeht, etwa: synth bass</translation></message>
    <message><source>what should play instead, e.g. electric guitar</source><translation>was stattdessen spielen soll, etwa: electric guitar</translation></message>
    <message><source>what should play it, e.g. trumpet</source><translation>was es spielen soll, etwa: trumpet</translation></message>
    <message><source>what to make, e.g. a slow cello line</source><translation>was entstehen soll, etwa: a slow cello line</translation></message>
    <message><source>what to remove, e.g. vocals</source><translation>was weg soll, etwa: vocals</translation></message>
    <message><source>what to replace, e.g. violin</source><translation>was ersetzt werden soll, etwa: violin</translation></message>
    <message><source>where the sampler starts</source><translation>wo der Sampler beginnt</translation></message>
    <message><source>where there are words too: 0 listens to the words, 1 to the examples only</source><translation>wo es auch Worte gibt: 0 hört nur auf die Worte, 1 nur auf die Beispiele</translation></message>
    <message><source>writing the files</source><translation>schreibt die Dateien</translation></message>
    <message><source>{address}, open to the network</source><translation>{address}, offen für das Netz</translation></message>
    <message><source>{bundle}: every file matches its hash</source><translation>{bundle}: jede Datei stimmt mit ihrer Prüfsumme überein</translation></message>
    <message><source>{count} output devices found.</source><translation>{count} Ausgabegeräte gefunden.</translation></message>
    <message><source>{file} cannot be read ({reason}); convert it to WAV or FLAC</source><translation>{file} lässt sich nicht lesen ({reason}); wandeln Sie es in WAV oder FLAC um</translation></message>
    <message><source>{file} contains samples that are not numbers; export it again from its source</source><translation>{file} enthält Werte, die keine Zahlen sind; exportieren Sie es neu aus seiner Quelle</translation></message>
    <message><source>{file} has a sample rate of {rate_hz} Hz; allowed are {low} to {high} Hz</source><translation>{file} hat eine Abtastrate von {rate_hz} Hz; erlaubt sind {low} bis {high} Hz</translation></message>
    <message><source>{file} has no sound; choose a file with an audio track</source><translation>in {file} ist kein Ton; wählen Sie eine Datei mit Tonspur</translation></message>
    <message><source>{file} has {channels} channels; at most {limit} are allowed, so split it</source><translation>{file} hat {channels} Kanäle; erlaubt sind höchstens {limit}, teilen Sie es also auf</translation></message>
    <message><source>{file} is damaged ({reason}); an older copy of it may still be good</source><translation>{file} ist beschädigt ({reason}); eine ältere Kopie ist vielleicht noch gut</translation></message>
    <message><source>{file} is empty (0 bytes); choose a file with sound in it</source><translation>{file} ist leer (0 Bytes); wählen Sie eine Datei mit Ton</translation></message>
    <message><source>{file} is longer than {hours} hours; cut it into parts and open one of them</source><translation>{file} ist länger als {hours} Stunden; zerschneiden Sie es, und öffnen Sie einen der Teile</translation></message>
    <message><source>{file} is not a Fluxstem project; choose a {suffix} file</source><translation>{file} ist kein Fluxstem-Projekt; wählen Sie eine {suffix}-Datei</translation></message>
    <message><source>{file} is not an image, video or audio file; drop one of these to show what to look for</source><translation>{file} ist weder Bild noch Video noch Audiodatei; legen Sie eines davon ab, um zu zeigen, was gesucht wird</translation></message>
    <message><source>{file} is not audio that can be read ({reason}); convert it to WAV</source><translation>{file} ist kein lesbarer Ton ({reason}); wandeln Sie es in WAV um</translation></message>
    <message><source>{file} is open in another Fluxstem window (process {process}); close it there, or save yours under another name</source><translation>{file} ist in einem anderen Fluxstem-Fenster offen (Prozess {process}); schließen Sie es dort, oder sichern Sie Ihres unter anderem Namen</translation></message>
    <message><source>{file} is too large to be a project; choose a {suffix} file</source><translation>{file} ist zu groß für ein Projekt; wählen Sie eine {suffix}-Datei</translation></message>
    <message><source>{file} was written by a newer Fluxstem (format {format}); update this one</source><translation>{file} stammt von einem neueren Fluxstem (Format {format}); bringen Sie dieses auf den neuesten Stand</translation></message>
    <message><source>{folder} already holds ten thousand files called {name}; choose another name</source><translation>in {folder} gibt es zehntausend Dateien namens {name}; wählen Sie einen anderen Namen</translation></message>
    <message><source>{folder} may not be written to</source><translation>in {folder} darf nicht geschrieben werden</translation></message>
    <message><source>{folder} may not be written to ({reason}); autosave needs it</source><translation>in {folder} darf nicht geschrieben werden ({reason}); das automatische Sichern braucht es</translation></message>
    <message><source>{folder} may not be written to; save the project in another folder</source><translation>in {folder} darf nicht geschrieben werden; sichern Sie das Projekt in einem anderen Ordner</translation></message>
    <message><source>{path} cannot be opened ({reason}); check that it is there</source><translation>{path} lässt sich nicht öffnen ({reason}); sehen Sie nach, ob es da ist</translation></message>
    <message><source>{path} is not a file; drop an audio or video file</source><translation>{path} ist keine Datei; legen Sie eine Audio- oder Videodatei ab</translation></message>
    <message><source>{path} may not be read; change its permissions or copy it to a folder of yours</source><translation>{path} darf nicht gelesen werden; ändern Sie die Rechte, oder kopieren Sie es in einen eigenen Ordner</translation></message>
    <message><source>{task} fills a region; drag over the waveform to choose one</source><translation>{task} füllt einen Bereich; ziehen Sie über die Wellenform, um einen zu wählen</translation></message>
    <message><source>{task} needs a mix; open or drop an audio file first</source><translation>{task} braucht einen Mix; öffnen Sie zuerst eine Audiodatei oder legen Sie eine ab</translation></message>
    <message><source>{title} did not work: {reason}</source><translation>{title} ging nicht: {reason}</translation></message>
</context>
</TS>
