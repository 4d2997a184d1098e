class JsonRecorder:
    def text(self): return None
